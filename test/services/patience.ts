/**
 * How much longer than usual a test may wait: more than 1 in a guest, whose processor is made of software. No test asks how
 * long something took.
 */
const factor = Number(process.env.MXWARDEN_TEST_PATIENCE ?? '1');

export const patient = (milliseconds: number): number => milliseconds * factor;
