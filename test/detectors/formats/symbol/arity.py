"""Asks real MXNet 1.9.1 how many inputs and outputs an operator has, attributes included.

stdin: JSON list of [operator, attributes]. stdout: JSON list of [inputs, outputs], or null where the operator refuses them.
The counts are read from nnvm::Op (fields and std::function members at the offsets of the released wheel's ABI) and
from the node of a symbol that was loaded by MXSymbolCreateFromJSON. 4294967295 means any number.
"""
import ctypes as C, json, struct, sys
import mxnet as mx
from mxnet.base import _LIB

COUNT = C.CFUNCTYPE(C.c_uint32, C.c_void_p, C.c_void_p)
words = lambda address, count: struct.unpack(f'<{count}Q', C.string_at(address, 8 * count))


def counts(name, attributes):
    document = {'nodes': [{'op': name, 'name': 'x', 'attrs': attributes, 'inputs': []}], 'arg_nodes': [], 'heads': [[0, 0]],
                'attrs': {'mxnet_version': ['int', 10901]}}
    try:
        symbol = mx.sym.load_json(json.dumps(document))
    except Exception:
        return None
    node = words(words(symbol.handle.value, 1)[0], 1)[0]
    op = words(node, 1)[0]
    fields = words(op, 19)
    call = lambda invoker, at: COUNT(fields[invoker])(op + 8 * at, node)
    outputs = call(10, 7) if fields[9] else fields[5] >> 32
    inputs = call(14, 11) if fields[13] else fields[5] & 0xffffffff
    return [inputs, outputs]


if __name__ == '__main__':
    print(json.dumps([counts(*each) for each in json.load(sys.stdin)]))
