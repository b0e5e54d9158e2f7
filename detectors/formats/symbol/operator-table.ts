/**
 * GENERATED, do not edit. Operators of Apache MXNet 1.9.1.
 * Names: every registration and alias in the 1.9.1 sources, compared with MXListAllOpNames of the released CPU wheel.
 * Inputs and outputs: fields num_inputs and num_outputs of nnvm::Op, read in the wheel through NNGetOpHandle.
 * A test (test/detectors/formats/symbol/operators.test.ts) compares this with the real library.
 */

/**
 * `NAME=ALIAS=… INPUTS OUTPUTS SIGNATURE;` of each operator a saved model may hold. INPUTS: a number, `*` any, or `?N`
 * where it depends on attributes and N is how many are declared. OUTPUTS: a number, or `?` where it depends on attributes.
 * SIGNATURE: its place in `signatures`, or `-` where the library does not look at attributes.
 */
export const operators = `
Activation=_npx_activation 1 1 0; BatchNorm=_npx_batch_norm 5 3 1; BatchNorm_v1 ?3 ? 2; BilinearSampler ?2 ? 3;
BlockGrad=_sparse_stop_gradient=stop_gradient 1 1 -; CTCLoss=_contrib_CTCLoss=_contrib_ctc_loss=ctc_loss ?4 2 4;
Cast=_npi_cast=_npx_cast=cast 1 1 5; Concat=_sparse_concat=concat ?* 1 6; Convolution=_npx_convolution ?3 1 7; Convolution_v1 ?3 ? 8;
Correlation ?2 ? 9; Crop ?0 ? 10; Custom=_npi_Custom ?* ? -; Deconvolution=_npx_deconvolution ?3 1 11; Dropout=_npx_dropout 1 2 12;
Embedding=_npx_embedding=_sparse_Embedding 2 1 13; Flatten=_npx_batch_flatten=flatten 1 1 -;
FullyConnected=_npx_fully_connected=_sparse_FullyConnected ?3 1 14; GridGenerator ?1 ? 15; GroupNorm 3 3 16;
IdentityAttachKLSparseReg ?1 ? 17; InstanceNorm ?3 ? 18; L2Normalization ?1 ? 19; LRN 1 2 20; LayerNorm=_npx_layer_norm 3 3 21;
LeakyReLU=_npx_leaky_relu ?2 ? 22; LinearRegressionOutput=_sparse_LinearRegressionOutput 2 1 -;
LogisticRegressionOutput=_sparse_LogisticRegressionOutput 2 1 -; MAERegressionOutput=_sparse_MAERegressionOutput 2 1 -; MakeLoss ?1 ? 23;
Pad=pad ?1 ? 24; Pooling=_npx_pooling 1 ? 25; Pooling_v1 ?1 ? 26; RNN=_npx_rnn ?5 ? 27; ROIPooling=_npx_roi_pooling ?2 ? 28;
Reshape=reshape 1 1 29; SVMOutput ?2 ? 30; SequenceLast ?2 ? 31; SequenceMask=_npx_sequence_mask ?2 ? 32; SequenceReverse ?2 ? 31;
SliceChannel=split ?1 ? 33; SoftmaxActivation 1 1 34; SoftmaxOutput=Softmax 2 1 35; SpatialTransformer ?2 ? 36;
SwapAxis=_npi_swapaxes=swapaxes ?1 ? 37; UpSampling ?* 1 38; _CachedOp ?* ? -; _CachedOpThreadSafe ?* ? -; _CrossDeviceCopy ?0 ? -;
_CustomFunction ?0 ? -; _NDArray ?* ? -; _Native ?* ? -; _NoGradient 0 1 -; _adamw_update 5 1 39; _arange 0 1 40; _cond ?* ? 41;
_contrib_AdaptiveAvgPooling2D 1 1 42; _contrib_BatchNormWithReLU 5 4 1; _contrib_BilinearResize2D ?2 1 43;
_contrib_DeformableConvolution ?4 ? 44; _contrib_DeformablePSROIPooling ?0 ? 45; _contrib_ModulatedDeformableConvolution ?5 ? 46;
_contrib_MultiBoxDetection=_npx_multibox_detection ?3 ? 47; _contrib_MultiBoxPrior=_npx_multibox_prior ?1 ? 48;
_contrib_MultiBoxTarget=_npx_multibox_target ?3 ? 49; _contrib_MultiProposal ?3 ? 50; _contrib_PSROIPooling ?0 ? 51;
_contrib_Proposal ?3 ? 50; _contrib_ROIAlign 2 1 52; _contrib_RROIAlign 2 1 53; _contrib_SparseEmbedding 2 1 54;
_contrib_SyncBatchNorm ?5 ? 55; _contrib_allclose 2 1 56; _contrib_arange_like=_npx_arange_like 1 1 57;
_contrib_bipartite_matching 1 2 58; _contrib_boolean_mask=_npi_boolean_mask 2 1 59; _contrib_box_decode 2 1 60; _contrib_box_encode 6 2 -;
_contrib_box_iou 2 1 61; _contrib_box_nms=_contrib_box_non_maximum_suppression 1 2 62; _contrib_calibrate_entropy 2 2 63;
_contrib_count_sketch ?3 ? 64; _contrib_dequantize 3 1 65; _contrib_dgl_adjacency 1 1 -;
_contrib_dgl_csr_neighbor_non_uniform_sample ?* ? 66; _contrib_dgl_csr_neighbor_uniform_sample ?* ? 66;
_contrib_dgl_graph_compact ?* ? 67; _contrib_dgl_subgraph ?2 ? 68; _contrib_div_sqrt_dim 1 1 -; _contrib_edge_id 3 1 -;
_contrib_fft ?1 ? 69; _contrib_getnnz 1 1 70; _contrib_gradientmultiplier 1 1 71; _contrib_group_adagrad_update 3 1 72;
_contrib_hawkesll 8 2 -; _contrib_ifft ?1 ? 69; _contrib_index_array 1 1 73; _contrib_index_copy 3 1 -;
_contrib_interleaved_matmul_encdec_qk 2 1 74; _contrib_interleaved_matmul_encdec_valatt 2 1 74;
_contrib_interleaved_matmul_selfatt_qk 1 1 74; _contrib_interleaved_matmul_selfatt_valatt 2 1 74; _contrib_quadratic 1 1 75;
_contrib_quantize 3 3 76; _contrib_quantize_asym 1 3 77; _contrib_quantize_v2 1 3 78; _contrib_quantized_act 3 3 0;
_contrib_quantized_batch_norm 7 3 1; _contrib_quantized_concat ?* 3 6; _contrib_quantized_conv ?9 3 7;
_contrib_quantized_elemwise_add ?6 3 77; _contrib_quantized_elemwise_mul 6 ? 79; _contrib_quantized_embedding 4 3 13;
_contrib_quantized_flatten 3 3 -; _contrib_quantized_fully_connected ?9 3 14; _contrib_quantized_pooling 3 3 25;
_contrib_quantized_rnn ?6 ? -; _contrib_requantize 3 3 78; _contrib_round_ste=_sparse__contrib_round_ste 1 1 -;
_contrib_sign_ste=_sparse__contrib_sign_ste 1 1 -; _copy=identity 1 1 -; _copyto=_npi_copyto 1 1 -; _cvcopyMakeBorder 1 1 80;
_cvimdecode=_npi_cvimdecode 1 1 81; _cvimread=_npi_cvimread 0 1 82; _cvimresize=_npi_cvimresize 1 1 83; _div_scalar=_DivScalar 1 1 71;
_equal=_Equal 2 1 -; _equal_scalar=_EqualScalar 1 1 71; _eye 0 1 84; _foreach ?* ? 85; _full=_npi_full 0 1 86; _grad_add 2 1 -;
_greater=_Greater 2 1 -; _greater_equal=_Greater_Equal 2 1 -; _greater_equal_scalar=_GreaterEqualScalar 1 1 71;
_greater_scalar=_GreaterScalar 1 1 71; _histogram=_npi_histogram ?2 2 87; _hypot=_Hypot 2 1 -;
_hypot_scalar=_HypotScalar=_npi_hypot_scalar 1 1 71; _identity_with_attr_like_rhs 2 1 -;
_image_adjust_lighting=_npx__image_adjust_lighting 1 1 88; _image_crop=_npx__image_crop 1 1 89;
_image_flip_left_right=_npx__image_flip_left_right 1 1 -; _image_flip_top_bottom=_npx__image_flip_top_bottom 1 1 -;
_image_normalize=_npx__image_normalize 1 1 90; _image_random_brightness=_npx__image_random_brightness 1 1 91;
_image_random_color_jitter=_npx__image_random_color_jitter 1 1 92; _image_random_contrast=_npx__image_random_contrast 1 1 91;
_image_random_flip_left_right=_npx__image_random_flip_left_right 1 1 -;
_image_random_flip_top_bottom=_npx__image_random_flip_top_bottom 1 1 -; _image_random_hue=_npx__image_random_hue 1 1 91;
_image_random_lighting=_npx__image_random_lighting 1 1 93; _image_random_saturation=_npx__image_random_saturation 1 1 91;
_image_resize=_npx__image_resize 1 1 94; _image_to_tensor=_npx__image_to_tensor 1 1 -; _imdecode 1 1 -; _lesser=_Lesser 2 1 -;
_lesser_equal=_Lesser_Equal 2 1 -; _lesser_equal_scalar=_LesserEqualScalar 1 1 71; _lesser_scalar=_LesserScalar 1 1 71;
_linalg_det=_npi_det=linalg_det 1 3 -; _linalg_extractdiag=linalg_extractdiag 1 1 95; _linalg_extracttrian=linalg_extracttrian 1 1 96;
_linalg_gelqf=linalg_gelqf 1 2 -; _linalg_gemm=linalg_gemm 3 1 97; _linalg_gemm2=linalg_gemm2 2 1 98;
_linalg_inverse=_npi_inv=linalg_inverse 1 1 -; _linalg_makediag=linalg_makediag 1 1 95; _linalg_maketrian=linalg_maketrian 1 1 96;
_linalg_potrf=linalg_potrf 1 1 99; _linalg_potri=linalg_potri 1 1 99; _linalg_slogdet=_npi_slogdet=linalg_slogdet 1 4 -;
_linalg_sumlogdiag=linalg_sumlogdiag 1 1 -; _linalg_syevd 1 2 -; _linalg_syrk=linalg_syrk 1 1 100; _linalg_trmm=linalg_trmm 2 1 101;
_linalg_trsm=linalg_trsm 2 1 101; _linspace=_npi_linspace 0 1 102; _logical_and=_Logical_And 2 1 -;
_logical_and_scalar=_LogicalAndScalar 1 1 71; _logical_or=_Logical_Or 2 1 -; _logical_or_scalar=_LogicalOrScalar 1 1 71;
_logical_xor=_Logical_Xor 2 1 -; _logical_xor_scalar=_LogicalXorScalar 1 1 71; _maximum=_Maximum 2 1 -;
_maximum_scalar=_MaximumScalar=_npi_maximum_scalar 1 1 71; _minimum=_Minimum 2 1 -;
_minimum_scalar=_MinimumScalar=_npi_minimum_scalar 1 1 71; _minus_scalar=_MinusScalar 1 1 71; _mod=_Mod 2 1 -;
_mod_scalar=_ModScalar 1 1 71; _mp_adamw_update 6 1 39; _mul_scalar=_MulScalar 1 1 71; _multi_adamw_update ?* ? 103;
_multi_lamb_update ?* ? 104; _multi_mp_adamw_update ?* ? 103; _multi_mp_lamb_update ?* ? 104; _not_equal=_Not_Equal 2 1 -;
_not_equal_scalar=_NotEqualScalar 1 1 71; _np_all 1 1 105; _np_any=_np_sometrue 1 1 105; _np_atleast_1d ?* ? 106; _np_atleast_2d ?* ? 106;
_np_atleast_3d ?* ? 106; _np_copy 1 1 -; _np_cumsum=cumsum 1 1 107; _np_diag 1 1 108; _np_diagflat 1 1 108; _np_diagonal 1 1 109;
_np_dot 2 1 -; _np_max=_np_amax 1 1 110; _np_min=_np_amin 1 1 110; _np_moveaxis 1 1 111; _np_prod=_np_product 1 1 112;
_np_reshape 1 1 113; _np_roll 1 1 114; _np_squeeze 1 1 115; _np_sum 1 1 112; _np_trace 1 1 109; _np_transpose 1 1 116;
_npi_absolute=_npi_abs 1 1 -; _npi_add 2 1 -; _npi_add_scalar 1 1 71; _npi_arange 0 1 40; _npi_arccos 1 1 -; _npi_arccosh 1 1 -;
_npi_arcsin 1 1 -; _npi_arcsinh 1 1 -; _npi_arctan 1 1 -; _npi_arctan2 2 1 -; _npi_arctan2_scalar 1 1 71; _npi_arctanh 1 1 -;
_npi_argmax 1 1 117; _npi_argmin 1 1 117; _npi_around 1 1 118; _npi_average ?2 2 119; _npi_bernoulli ?1 1 120; _npi_bincount ?2 1 121;
_npi_bitwise_and 2 1 -; _npi_bitwise_and_scalar 1 1 71; _npi_bitwise_not 1 1 -; _npi_bitwise_or 2 1 -; _npi_bitwise_or_scalar 1 1 71;
_npi_bitwise_xor 2 1 -; _npi_bitwise_xor_scalar 1 1 71; _npi_blackman 0 1 122; _npi_boolean_mask_assign_scalar 2 1 -;
_npi_boolean_mask_assign_tensor 3 1 -; _npi_broadcast_to 1 1 123; _npi_cbrt 1 1 -; _npi_ceil 1 1 -; _npi_choice ?2 1 124;
_npi_cholesky 1 1 99; _npi_column_stack ?* 1 106; _npi_concatenate ?* 1 125; _npi_copysign 2 1 -; _npi_copysign_scalar 1 1 71;
_npi_cos 1 1 -; _npi_cosh 1 1 -; _npi_degrees 1 1 -; _npi_delete ?2 1 126; _npi_diag_indices_from 1 1 -; _npi_diff 1 1 127;
_npi_dsplit 1 ? 128; _npi_dstack ?* 1 6; _npi_ediff1d ?3 1 129; _npi_eig 1 2 -; _npi_eigh 1 2 130; _npi_eigvals 1 1 -;
_npi_eigvalsh 1 1 130; _npi_einsum ?* 1 131; _npi_equal 2 1 -; _npi_equal_scalar 1 1 71; _npi_exp 1 1 -; _npi_expm1 1 1 -;
_npi_exponential ?1 2 132; _npi_eye 0 1 133; _npi_fix 1 1 -; _npi_flip 1 1 134; _npi_floor 1 1 -; _npi_full_like 1 1 135;
_npi_gamma ?2 1 136; _npi_greater 2 1 -; _npi_greater_equal 2 1 -; _npi_greater_equal_scalar 1 1 71; _npi_greater_scalar 1 1 71;
_npi_gumbel ?2 2 137; _npi_hamming 0 1 122; _npi_hanning 0 1 122; _npi_hsplit 1 ? 128; _npi_hstack ?* 1 6; _npi_hypot 2 1 -;
_npi_identity 0 1 138; _npi_indices 0 1 139; _npi_insert_scalar ?2 1 140; _npi_insert_slice ?2 1 140; _npi_insert_tensor ?3 1 140;
_npi_isfinite 1 1 -; _npi_isinf 1 1 -; _npi_isnan 1 1 -; _npi_isneginf 1 1 -; _npi_isposinf 1 1 -; _npi_lcm 2 1 -; _npi_lcm_scalar 1 1 71;
_npi_ldexp 2 1 -; _npi_ldexp_scalar 1 1 71; _npi_less 2 1 -; _npi_less_equal 2 1 -; _npi_less_equal_scalar 1 1 71;
_npi_less_scalar 1 1 71; _npi_log 1 1 -; _npi_log10 1 1 -; _npi_log1p 1 1 -; _npi_log2 1 1 -; _npi_logical_not 1 1 -;
_npi_logistic ?2 2 137; _npi_logspace 0 1 141; _npi_matmul 2 1 -; _npi_mean 1 1 112; _npi_mod 2 1 -; _npi_mod_scalar 1 1 71;
_npi_multinomial ?1 1 142; _npi_multiply 2 1 -; _npi_multiply_scalar 1 1 71; _npi_nan_to_num 1 1 143; _npi_negative 1 1 -;
_npi_norm 1 4 144; _npi_normal ?2 2 145; _npi_normal_n ?2 2 145; _npi_not_equal 2 1 -; _npi_not_equal_scalar 1 1 71; _npi_ones 0 1 138;
_npi_pad 1 1 146; _npi_pareto ?1 2 147; _npi_percentile ?2 1 148; _npi_pinv 2 1 149; _npi_pinv_scalar_rcond 1 1 150; _npi_polyval 2 1 -;
_npi_power 2 1 -; _npi_power_scalar 1 1 71; _npi_powerd ?1 1 151; _npi_radians 1 1 -; _npi_rarctan2_scalar 1 1 71; _npi_rayleigh ?1 2 132;
_npi_rcopysign_scalar 1 1 71; _npi_reciprocal 1 1 -; _npi_rint 1 1 -; _npi_rldexp_scalar 1 1 71; _npi_rmod_scalar 1 1 71;
_npi_rot90 1 1 152; _npi_rpower_scalar 1 1 71; _npi_rsubtract_scalar 1 1 71; _npi_rtrue_divide_scalar 1 1 71; _npi_share_memory 2 1 -;
_npi_sign 1 1 -; _npi_sin 1 1 -; _npi_sinh 1 1 -; _npi_solve 2 1 -; _npi_sqrt 1 1 -; _npi_square 1 1 -; _npi_stack ?* 1 153;
_npi_std 1 2 154; _npi_subtract 2 1 -; _npi_subtract_scalar 1 1 71; _npi_svd 1 3 -; _npi_tan 1 1 -; _npi_tanh 1 1 -;
_npi_tensordot 2 1 155; _npi_tensordot_int_axes 2 1 156; _npi_tensorinv 1 1 157; _npi_tensorsolve 2 1 158; _npi_tril 1 1 108;
_npi_true_divide 2 1 -; _npi_true_divide_scalar 1 1 71; _npi_trunc 1 1 -; _npi_uniform ?2 1 159; _npi_uniform_n ?2 1 159;
_npi_unique 1 ? 160; _npi_var 1 2 154; _npi_vstack ?* 1 106; _npi_weibull ?1 2 147; _npi_where 3 1 -; _npi_where_lscalar 2 1 161;
_npi_where_rscalar 2 1 161; _npi_where_scalar2 1 1 162; _npi_zeros 0 1 138; _npx_constraint_check 1 1 163;
_npx_nonzero=_npi_nonzero 1 1 -; _npx_relu 1 1 -; _npx_reshape=_npi_reshape 1 1 164; _npx_sigmoid 1 1 -; _onehot_encode 2 1 -;
_ones 0 1 138; _plus_scalar=_PlusScalar 1 1 71; _power=_Power 2 1 -; _power_scalar=_PowerScalar 1 1 71;
_random_exponential=random_exponential 0 1 165; _random_exponential_like 1 1 166; _random_gamma=random_gamma 0 1 167;
_random_gamma_like 1 1 168; _random_generalized_negative_binomial=random_generalized_negative_binomial 0 1 169;
_random_generalized_negative_binomial_like 1 1 170; _random_negative_binomial=random_negative_binomial 0 1 171;
_random_negative_binomial_like 1 1 172; _random_normal=normal=random_normal 0 1 173; _random_normal_like 1 1 174;
_random_pdf_dirichlet=random_pdf_dirichlet 2 1 175; _random_pdf_exponential=random_pdf_exponential 2 1 175;
_random_pdf_gamma=random_pdf_gamma 3 1 175; _random_pdf_generalized_negative_binomial=random_pdf_generalized_negative_binomial 3 1 175;
_random_pdf_negative_binomial=random_pdf_negative_binomial 3 1 175; _random_pdf_normal=random_pdf_normal 3 1 175;
_random_pdf_poisson=random_pdf_poisson 2 1 175; _random_pdf_uniform=random_pdf_uniform 3 1 175; _random_poisson=random_poisson 0 1 165;
_random_poisson_like 1 1 166; _random_randint=_npi_random_randint=random_randint 0 1 176; _random_uniform=random_uniform=uniform 0 1 177;
_random_uniform_like 1 1 178; _ravel_multi_index=ravel_multi_index 1 1 123; _rdiv_scalar=_RDivScalar 1 1 71;
_rminus_scalar=_RMinusScalar 1 1 71; _rmod_scalar=_RModScalar 1 1 71; _rnn_param_concat=_npi_rnn_param_concat ?* 1 6;
_rpower_scalar=_RPowerScalar 1 1 71; _sample_exponential=sample_exponential 1 1 179; _sample_gamma=sample_gamma 2 1 179;
_sample_generalized_negative_binomial=sample_generalized_negative_binomial 2 1 179; _sample_multinomial=sample_multinomial 1 ? 180;
_sample_negative_binomial=sample_negative_binomial 2 1 179; _sample_normal=sample_normal 2 1 179; _sample_poisson=sample_poisson 1 1 179;
_sample_uniform=sample_uniform 2 1 179; _sample_unique_zipfian 0 2 181; _scatter_elemwise_div 2 1 -; _scatter_minus_scalar 1 1 71;
_scatter_plus_scalar 1 1 71; _scatter_set_nd=_npi_scatter_set_nd 3 1 182; _set_value 0 1 -; _sg_mkldnn_conv ?0 ? 183;
_sg_mkldnn_fully_connected ?0 ? 184; _sg_mkldnn_selfatt_qk ?1 ? 185; _sg_mkldnn_selfatt_valatt ?2 ? 185;
_shuffle=_npi_shuffle=shuffle 1 1 -; _slice_assign=_crop_assign=_npi_slice_assign 2 1 186;
_slice_assign_scalar=_crop_assign_scalar=_npi_slice_assign_scalar 1 1 187; _sparse_adagrad_update 3 1 188; _sparse_retain 2 1 -;
_split_v2=_npi_split 1 ? 128; _square_sum 1 1 189; _unravel_index=unravel_index 1 1 123; _while_loop ?* ? 190; _zeros 0 1 138;
_zeros_without_dtype 0 1 191; abs=_sparse_abs 1 1 -; adam_update=_sparse_adam_update 4 1 192;
add_n=ElementWiseSum=_sparse_ElementWiseSum=_sparse_add_n ?* 1 193; all_finite 1 1 194; amp_cast 1 1 195; amp_multicast ?* ? 196;
arccos=_sparse_arccos 1 1 -; arccosh=_sparse_arccosh 1 1 -; arcsin=_sparse_arcsin 1 1 -; arcsinh=_sparse_arcsinh 1 1 -;
arctan=_sparse_arctan 1 1 -; arctanh=_sparse_arctanh 1 1 -; argmax 1 1 117; argmax_channel 1 1 -; argmin 1 1 117;
argsort=_npi_argsort 1 1 197; batch_dot=_npx_batch_dot 2 1 198; batch_take 2 1 -;
broadcast_add=_sparse_broadcast_add=_sparse_broadcast_plus=broadcast_plus 2 1 -; broadcast_axis=broadcast_axes 1 1 199;
broadcast_div=_sparse_broadcast_div 2 1 -; broadcast_equal 2 1 -; broadcast_greater 2 1 -; broadcast_greater_equal 2 1 -;
broadcast_hypot 2 1 -; broadcast_lesser 2 1 -; broadcast_lesser_equal 2 1 -; broadcast_like 2 1 200; broadcast_logical_and 2 1 -;
broadcast_logical_or 2 1 -; broadcast_logical_xor 2 1 -; broadcast_maximum=_npi_maximum 2 1 -; broadcast_minimum=_npi_minimum 2 1 -;
broadcast_mod 2 1 -; broadcast_mul=_sparse_broadcast_mul 2 1 -; broadcast_not_equal 2 1 -; broadcast_power 2 1 -;
broadcast_sub=_sparse_broadcast_minus=_sparse_broadcast_sub=broadcast_minus 2 1 -; broadcast_to 1 1 123;
cast_storage=_sparse_cast_storage 1 1 201; cbrt=_sparse_cbrt 1 1 -; ceil=_sparse_ceil 1 1 -; clip=_npi_clip=_sparse_clip 1 1 202;
col2im 1 1 203; cos=_sparse_cos 1 1 -; cosh=_sparse_cosh 1 1 -; degrees=_sparse_degrees 1 1 -; depth_to_space 1 1 204; diag 1 1 205;
dot=_sparse_dot 2 1 198; elemwise_add=_Plus=_add=_plus=_sparse_elemwise_add 2 1 -; elemwise_div=_Div=_div=_sparse_elemwise_div 2 1 -;
elemwise_mul=_Mul=_mul=_sparse_elemwise_mul 2 1 -; elemwise_sub=_Minus=_minus=_sparse_elemwise_sub=_sub 2 1 -; erf=_npx_erf 1 1 -;
erfinv=_npx_erfinv 1 1 -; exp=_sparse_exp 1 1 -; expand_dims=_npi_expand_dims 1 1 206; expm1=_sparse_expm1 1 1 -;
fill_element_0index 3 1 -; fix=_sparse_fix 1 1 -; floor=_sparse_floor 1 1 -; ftml_update 5 1 207; ftrl_update=_sparse_ftrl_update 4 1 208;
gamma=_npx_gamma=_sparse_gamma 1 1 -; gammaln=_npx_gammaln=_sparse_gammaln 1 1 -; gather_nd=_npi_gather_nd=_npx_gather_nd 2 1 -;
hard_sigmoid 1 1 168; im2col 1 1 209; khatri_rao ?* 1 193; lamb_update_phase1 4 1 210; lamb_update_phase2 4 1 211; log=_sparse_log 1 1 -;
log10=_sparse_log10 1 1 -; log1p=_sparse_log1p 1 1 -; log2=_sparse_log2 1 1 -; log_softmax=_npx_log_softmax 1 1 212; logical_not 1 1 -;
make_loss=_sparse_make_loss 1 1 -; max=max_axis 1 1 189; mean=_sparse_mean 1 1 189; min=min_axis 1 1 189; moments 1 2 213;
mp_lamb_update_phase1 5 1 210; mp_lamb_update_phase2 5 1 211; mp_nag_mom_update 4 1 214; mp_sgd_mom_update 4 1 215; mp_sgd_update 3 1 216;
multi_all_finite ?* 1 217; multi_lars 4 1 218; multi_mp_sgd_mom_update ?* ? 219; multi_mp_sgd_update ?* ? 220;
multi_sgd_mom_update ?* ? 219; multi_sgd_update ?* ? 220; multi_sum_sq ?* 1 221; nag_mom_update 3 1 214; nanprod 1 1 189; nansum 1 1 189;
negative=_sparse_negative 1 1 -; norm=_sparse_norm 1 1 222; one_hot=_npx_one_hot 1 1 223; ones_like 1 1 -;
pick=_npx_pick=choose_element_0index 2 1 224; preloaded_multi_mp_sgd_mom_update ?* ? 225; preloaded_multi_mp_sgd_update ?* ? 226;
preloaded_multi_sgd_mom_update ?* ? 225; preloaded_multi_sgd_update ?* ? 226; prod 1 1 189; radians=_sparse_radians 1 1 -; rcbrt 1 1 -;
reciprocal 1 1 -; relu=_sparse_relu 1 1 -; repeat=_np_repeat 1 1 227; reset_arrays ?* 0 221; reshape_like=_npx_reshape_like 2 1 228;
reverse=flip 1 1 134; rint=_sparse_rint 1 1 -; rmsprop_update 3 1 229; rmspropalex_update 5 1 230; round=_sparse_round 1 1 -;
rsqrt=_sparse_rsqrt 1 1 -; scatter_nd 2 1 182; sgd_mom_update=_sparse_sgd_mom_update 3 1 215; sgd_update=_sparse_sgd_update 2 1 216;
shape_array=_npx_shape_array 1 1 -; sigmoid=_sparse_sigmoid 1 1 -; sign=_sparse_sign 1 1 -; signsgd_update 2 1 231; signum_update 3 1 232;
sin=_sparse_sin 1 1 -; sinh=_sparse_sinh 1 1 -; size_array 1 1 -; slice=_npi_slice=_npx_slice=_sparse_slice=crop 1 1 186;
slice_axis 1 1 233; slice_like 2 1 116; smooth_l1=_npx_smooth_l1 1 1 71; softmax=_npx_softmax ?2 1 212; softmax_cross_entropy 2 1 -;
softmin 1 1 212; softsign 1 1 -; sort=_npi_sort 1 2 234; space_to_depth 1 1 204; sqrt=_sparse_sqrt 1 1 -; square=_sparse_square 1 1 -;
squeeze 1 1 115; stack ?* 1 153; sum=_sparse_sum=sum_axis 1 1 189; take=_npi_take 2 1 235; tan=_sparse_tan 1 1 -; tanh=_sparse_tanh 1 1 -;
tile=_npi_tile 1 1 236; topk=_npx_topk 1 ? 237; transpose 1 1 116; trunc=_sparse_trunc 1 1 -; where=_sparse_where 3 1 -;
zeros_like=_sparse_zeros_like 1 1 -;
`;

/** Gradients: never in a saved model. */
export const gradients = `
_backward_Activation _backward_BatchNorm _backward_BatchNorm_v1 _backward_BilinearSampler _backward_CachedOp _backward_Concat
_backward_Convolution _backward_Convolution_v1 _backward_Correlation _backward_Crop _backward_Custom _backward_CustomFunction
_backward_Deconvolution _backward_Dropout _backward_Embedding _backward_FullyConnected _backward_GridGenerator _backward_GroupNorm
_backward_IdentityAttachKLSparseReg _backward_InstanceNorm _backward_L2Normalization _backward_LRN _backward_LayerNorm _backward_LeakyReLU
_backward_MakeLoss _backward_Pad _backward_Pooling _backward_Pooling_v1 _backward_RNN _backward_ROIAlign _backward_ROIPooling
_backward_RROIAlign _backward_SVMOutput _backward_SequenceLast _backward_SequenceMask _backward_SequenceReverse _backward_SliceChannel
_backward_SoftmaxActivation _backward_SoftmaxOutput _backward_SparseEmbedding _backward_SpatialTransformer _backward_SwapAxis
_backward_UpSampling _backward__CrossDeviceCopy _backward__NDArray _backward__Native _backward__contrib_DeformableConvolution
_backward__contrib_DeformablePSROIPooling _backward__contrib_ModulatedDeformableConvolution _backward__contrib_MultiBoxDetection
_backward__contrib_MultiBoxPrior _backward__contrib_MultiBoxTarget _backward__contrib_MultiProposal _backward__contrib_PSROIPooling
_backward__contrib_Proposal _backward__contrib_SyncBatchNorm _backward__contrib_count_sketch _backward__contrib_fft
_backward__contrib_ifft _backward_abs _backward_add _backward_amp_cast _backward_amp_multicast _backward_arccos _backward_arccosh
_backward_arcsin _backward_arcsinh _backward_arctan _backward_arctanh _backward_backward_FullyConnected _backward_broadcast_add
_backward_broadcast_div _backward_broadcast_exponential _backward_broadcast_gumbel _backward_broadcast_hypot _backward_broadcast_logistic
_backward_broadcast_maximum _backward_broadcast_minimum _backward_broadcast_mod _backward_broadcast_mul _backward_broadcast_normal
_backward_broadcast_pareto _backward_broadcast_power _backward_broadcast_rayleigh _backward_broadcast_sub _backward_broadcast_weibull
_backward_cast _backward_cbrt _backward_clip _backward_col2im _backward_cond _backward_contrib_AdaptiveAvgPooling2D
_backward_contrib_BatchNormWithReLU _backward_contrib_BilinearResize2D _backward_contrib_bipartite_matching _backward_contrib_boolean_mask
_backward_contrib_box_iou _backward_contrib_box_nms _backward_copy _backward_cos _backward_cosh _backward_ctc_loss _backward_degrees
_backward_diag _backward_div _backward_div_scalar _backward_dot _backward_erf _backward_erfinv _backward_expm1 _backward_foreach
_backward_gamma _backward_gammaln _backward_gather_nd _backward_hard_sigmoid _backward_hypot _backward_hypot_scalar _backward_im2col
_backward_image_crop _backward_image_normalize _backward_interleaved_matmul_encdec_qk _backward_interleaved_matmul_encdec_valatt
_backward_interleaved_matmul_selfatt_qk _backward_interleaved_matmul_selfatt_valatt _backward_linalg_det _backward_linalg_extractdiag
_backward_linalg_extracttrian _backward_linalg_gelqf _backward_linalg_gemm _backward_linalg_gemm2 _backward_linalg_inverse
_backward_linalg_makediag _backward_linalg_maketrian _backward_linalg_potrf _backward_linalg_potri _backward_linalg_slogdet
_backward_linalg_sumlogdiag _backward_linalg_syevd _backward_linalg_syrk _backward_linalg_trmm _backward_linalg_trsm
_backward_linear_reg_out _backward_log _backward_log10 _backward_log1p _backward_log2 _backward_log_softmax _backward_logistic_reg_out
_backward_mae_reg_out _backward_max _backward_maximum _backward_maximum_scalar _backward_mean _backward_min _backward_minimum
_backward_minimum_scalar _backward_mod _backward_mod_scalar _backward_moments _backward_mul _backward_mul_scalar _backward_nanprod
_backward_nansum _backward_norm _backward_np_average _backward_np_broadcast_to _backward_np_column_stack _backward_np_concat
_backward_np_cumsum _backward_np_diag _backward_np_diagflat _backward_np_diagonal _backward_np_dot _backward_np_dstack _backward_np_hstack
_backward_np_matmul _backward_np_max _backward_np_mean _backward_np_min _backward_np_prod _backward_np_sum _backward_np_trace
_backward_np_vstack _backward_np_where _backward_np_where_lscalar _backward_np_where_rscalar _backward_npi_arctan2
_backward_npi_arctan2_scalar _backward_npi_broadcast_add _backward_npi_broadcast_div _backward_npi_broadcast_mod
_backward_npi_broadcast_mul _backward_npi_broadcast_power _backward_npi_broadcast_sub _backward_npi_copysign _backward_npi_copysign_scalar
_backward_npi_diff _backward_npi_einsum _backward_npi_flip _backward_npi_hypot _backward_npi_ldexp _backward_npi_ldexp_scalar
_backward_npi_norm _backward_npi_pad _backward_npi_rarctan2_scalar _backward_npi_rcopysign_scalar _backward_npi_rldexp_scalar
_backward_npi_solve _backward_npi_svd _backward_npi_tensordot _backward_npi_tensordot_int_axes _backward_npi_tensorinv
_backward_npi_tensorsolve _backward_pdf_dirichlet _backward_pdf_exponential _backward_pdf_gamma
_backward_pdf_generalized_negative_binomial _backward_pdf_negative_binomial _backward_pdf_normal _backward_pdf_poisson
_backward_pdf_uniform _backward_pick _backward_power _backward_power_scalar _backward_prod _backward_radians _backward_rcbrt
_backward_rdiv_scalar _backward_reciprocal _backward_relu _backward_repeat _backward_reshape _backward_reverse _backward_rmod_scalar
_backward_rpower_scalar _backward_rsqrt _backward_sample_multinomial _backward_sigmoid _backward_sign _backward_sin _backward_sinh
_backward_slice _backward_slice_axis _backward_slice_like _backward_smooth_l1 _backward_softmax _backward_softmax_cross_entropy
_backward_softmin _backward_softsign _backward_sparse_retain _backward_sqrt _backward_square _backward_square_sum _backward_squeeze
_backward_stack _backward_sub _backward_sum _backward_take _backward_tan _backward_tanh _backward_tile _backward_topk _backward_tril
_backward_where _backward_while_loop _broadcast_backward _contrib_backward_gradientmultiplier _contrib_backward_hawkesll
_contrib_backward_index_copy _contrib_backward_quadratic _npi_backward_ediff1d _npi_backward_nan_to_num _npi_backward_polyval
_npi_hsplit_backward _split_v2_backward _backward_CaffeLoss _backward_CaffeOp _backward_CuDNNBatchNorm _backward_TorchCriterion
_backward_TorchModule _backward_WarpCTC _backward_contrib_tvm_vadd _backward_npi_deg2rad _backward_npi_rad2deg
`;

/** In the sources but not in the CPU wheel: other builds have them. */
export const otherBuilds = `
CaffeLoss CaffeOp CuDNNBatchNorm TorchCriterion TorchModule WarpCTC _FusedOp _FusedOpHelper _FusedOpOutHelper _TensorRT
_contrib_intgemm_fully_connected _contrib_intgemm_maxabsolute _contrib_intgemm_prepare_data _contrib_intgemm_prepare_weight
_contrib_intgemm_take_weight _contrib_mrcnn_mask_target _contrib_tvm_dot _contrib_tvm_dot_fallback _contrib_tvm_vadd _npi_deg2rad
_npi_rad2deg _npx_intgemm_fully_connected _npx_intgemm_maxabsolute _npx_intgemm_prepare_data _npx_intgemm_prepare_weight
_npx_intgemm_take_weight
`;
