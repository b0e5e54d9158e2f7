/** How an opcode's argument is written. Digits are bytes of a little-endian number; `line` ends with a newline. */
export type Grammar =
  | 'none' | 'u1' | 'u2' | 'i4' | 'u4' | 'u8' | 'f8' | 'protocol'
  | 'integer-line' | 'long-line' | 'float-line' | 'index-line' | 'string-line' | 'unicode-line' | 'id-line' | 'two-lines'
  | 'long1' | 'long4' | 'string1' | 'string4' | 'bytes1' | 'bytes4' | 'bytes8' | 'text1' | 'text4' | 'text8' | 'bytearray8';

export interface Opcode {
  readonly code: number;
  readonly name: string;
  readonly argument: Grammar;
  /** `never`: no writer of optimizer states produces it. `python2`: only writers of the Python 2 age do. */
  readonly habit: 'usual' | 'python2' | 'never';
}

const opcode = (letter: string, name: string, argument: Grammar = 'none', habit: Opcode['habit'] = 'usual'): Opcode => ({ code: letter.charCodeAt(0), name, argument, habit });

/**
 * All 68 opcodes of protocols 0 to 5, with the argument as CPython's C unpickler reads it (Modules/_pickle.c `load`);
 * names as in Lib/pickletools.py.
 */
export const opcodes: readonly Opcode[] = [
  opcode('I', 'INT', 'integer-line'), opcode('J', 'BININT', 'i4'), opcode('K', 'BININT1', 'u1'), opcode('M', 'BININT2', 'u2'),
  opcode('L', 'LONG', 'long-line'), opcode('\x8a', 'LONG1', 'long1'), opcode('\x8b', 'LONG4', 'long4'),
  opcode('S', 'STRING', 'string-line', 'python2'), opcode('T', 'BINSTRING', 'string4', 'python2'), opcode('U', 'SHORT_BINSTRING', 'string1', 'python2'),
  opcode('B', 'BINBYTES', 'bytes4'), opcode('C', 'SHORT_BINBYTES', 'bytes1'), opcode('\x8e', 'BINBYTES8', 'bytes8'), opcode('\x96', 'BYTEARRAY8', 'bytearray8'),
  opcode('\x97', 'NEXT_BUFFER', 'none', 'never'), opcode('\x98', 'READONLY_BUFFER', 'none', 'never'),
  opcode('N', 'NONE'), opcode('\x88', 'NEWTRUE'), opcode('\x89', 'NEWFALSE'),
  opcode('V', 'UNICODE', 'unicode-line'), opcode('\x8c', 'SHORT_BINUNICODE', 'text1'), opcode('X', 'BINUNICODE', 'text4'), opcode('\x8d', 'BINUNICODE8', 'text8'),
  opcode('F', 'FLOAT', 'float-line'), opcode('G', 'BINFLOAT', 'f8'),
  opcode(']', 'EMPTY_LIST'), opcode('a', 'APPEND'), opcode('e', 'APPENDS'), opcode('l', 'LIST'),
  opcode(')', 'EMPTY_TUPLE'), opcode('t', 'TUPLE'), opcode('\x85', 'TUPLE1'), opcode('\x86', 'TUPLE2'), opcode('\x87', 'TUPLE3'),
  opcode('}', 'EMPTY_DICT'), opcode('d', 'DICT'), opcode('s', 'SETITEM'), opcode('u', 'SETITEMS'),
  opcode('\x8f', 'EMPTY_SET', 'none', 'never'), opcode('\x90', 'ADDITEMS', 'none', 'never'), opcode('\x91', 'FROZENSET', 'none', 'never'),
  opcode('0', 'POP', 'none', 'never'), opcode('2', 'DUP', 'none', 'never'), opcode('(', 'MARK'), opcode('1', 'POP_MARK', 'none', 'never'),
  opcode('g', 'GET', 'index-line'), opcode('h', 'BINGET', 'u1'), opcode('j', 'LONG_BINGET', 'u4'),
  opcode('p', 'PUT', 'index-line'), opcode('q', 'BINPUT', 'u1'), opcode('r', 'LONG_BINPUT', 'u4'), opcode('\x94', 'MEMOIZE'),
  opcode('\x82', 'EXT1', 'u1', 'never'), opcode('\x83', 'EXT2', 'u2', 'never'), opcode('\x84', 'EXT4', 'i4', 'never'),
  opcode('c', 'GLOBAL', 'two-lines'), opcode('\x93', 'STACK_GLOBAL'),
  opcode('R', 'REDUCE'), opcode('b', 'BUILD'), opcode('i', 'INST', 'two-lines', 'never'), opcode('o', 'OBJ', 'none', 'never'),
  opcode('\x81', 'NEWOBJ'), opcode('\x92', 'NEWOBJ_EX', 'none', 'never'),
  opcode('\x80', 'PROTO', 'protocol'), opcode('.', 'STOP'), opcode('\x95', 'FRAME', 'u8'),
  opcode('P', 'PERSID', 'id-line', 'never'), opcode('Q', 'BINPERSID', 'none', 'never'),
];

export const opcodeOf: readonly (Opcode | undefined)[] = Array.from({ length: 256 }, (_, code) => opcodes.find(one => one.code === code));
