import test from 'ava';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { pickle } from '../../../../detectors/formats/pickle/pickle.ts';
import { python } from '../../../../detectors/formats/python/python.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';

const inspect = (source: string | Uint8Array) => inspectSource('handler.py', sourceOf(Buffer.from(source)), [python, pickle]);
const told = (source: string | Uint8Array): string[] => inspect(source).observations.filter(({ severity }) => severity !== 'info').map(({ severity, rule, where }) => `${severity} ${rule} ${where?.line ?? ''}`.trim()).sort();

/** What is nearly one of the hostile cases, and what is said of it. */
const cases: readonly (readonly [title: string, source: string, ...expected: readonly string[]])[] = [
  ['a process in a function is milder', 'import os\ndef handle(d, c):\n    os.system("id")\n', 'medium python.process 3'],
  ['a process of the main program is milder', 'import os\nif __name__ == "__main__":\n    os.system("id")\n', 'medium python.process 3'],
  ['a process of the main program and more is milder', 'import os, sys\nif sys.argv and __name__ == "__main__":\n    os.system("id")\n', 'medium python.process 3'],
  ['a process of the main program or more is not', 'import os, sys\nif sys.argv or __name__ == "__main__":\n    os.system("id")\n', 'critical python.process 3'],
  ['exec of what no Python 3 reads, in a function', 'def f(c):\n    exec("exec c in d")\n', 'medium python.evaluate 2'],
  ['a function that nobody calls is not reached', 'import os\ndef f():\n    g()\ndef g():\n    os.system("id")\n', 'medium python.process 5'],
  ['settings of logging', 'import logging.config\nlogging.config.dictConfig({"version": 1, "handlers": {"h": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}}})\n'],
  ['a decorator that only wraps', 'import os\ndef d(f):\n    def w(*a):\n        return f(*a)\n    return w\n@d\ndef g():\n    os.system("id")\n', 'medium python.process 8'],
  ['a subscript of a class without a method for it', 'import os\nfrom typing import Generic, TypeVar\nT = TypeVar("T")\nclass A(Generic[T]):\n    def f(self):\n        os.system("id")\nx: A[int]\n', 'medium python.process 6'],
  ['a method of its own with the name of a process', 'class A:\n    def system(self, x): return x\nos = A()\nos.system("id")\n'],
  ['a parameter with the name of a module', 'def f(os):\n    os.system("id")\n'],
  ['asking what a module has', 'import os, subprocess\nhasattr(os, "system")\nisinstance(1, subprocess.Popen)\nx = subprocess.PIPE\nclass E(subprocess.CalledProcessError): pass\n'],
  ['another name of a process, never called', 'import os\nrun = os.system\n'],
  ['re.compile, a model in evaluation, a literal', 'import re, ast\nP = re.compile("x")\nm = re.M\nast.literal_eval("[1]")\n'],
  ['exec of harmless text', 'exec("x = 1")\n'],
  ['exec of a text that nobody knows, in a function', 'def f(x):\n    exec(x)\n', 'medium python.evaluate 2'],
  ['a module whose name is a literal', 'import importlib\nx = importlib.import_module("json")\n'],
  ['getattr with a name that is no danger', 'import mxnet as mx\ndef f(n):\n    return getattr(mx.optimizer, n)()\n'],
  ['network in a function is low', 'import requests\ndef f():\n    return requests.get("https://x").json()\n', 'low python.network 3'],
  ['unpickling in a function is low', 'import pickle\ndef f(p):\n    with open(p, "rb") as x:\n        return pickle.load(x)\n', 'low python.unpickle 4'],
  ['yaml with a safe loader', 'import yaml\nx = yaml.load("a", Loader=yaml.SafeLoader)\ny = yaml.safe_load("a")\n'],
  ['NumPy that may not unpickle', 'import numpy as np\ndef f(p):\n    return np.load(p), np.load(p, allow_pickle=False)\n'],
  ['NumPy that may', 'import numpy as np\ndef f(p):\n    return np.load(p, allow_pickle=True)\n', 'low python.unpickle 3'],
  ['a file is read at import', 'import os\nLABELS = open(os.path.join(os.path.dirname(__file__), "synset.txt")).read().split()\n'],
  ['a file is written at import', 'open("x.log", "w").write("x")\n', 'low python.file-write 1'],
  ['a temporary folder is deleted in a function', 'import shutil\ndef f(d):\n    shutil.rmtree(d)\n'],
  ['ctypes without a library', 'import ctypes\nx = ctypes.c_float * 4\n'],
  ['a short text in Base64', `x = "${Buffer.from('a'.repeat(300)).toString('base64')}"\n`],
  ['a long text that is prose', `x = "${'The quick brown fox jumps over the lazy dog. '.repeat(60)}"\n`],
  ['a long text in Base64', `x = "${Buffer.from(Array.from({ length: 2_000 }, (_, index) => (index * 7919 + (index >> 2) * 104_729) % 251)).toString('base64')}"\n`, 'medium python.encoded-literal 1'],
  ['the interpreter is looked at', 'import inspect\nx = inspect.stack()\nf = lambda: 1\nf.__name__ = "f"\n'],
  ['sys.path of the own folder', 'import sys, os\nsys.path.insert(0, os.path.dirname(__file__))\n'],
  ['a declaration of UTF-8', '# -*- coding: utf-8 -*-\nx = "\u00e9"\n'],
  ['a form feed alone on its line', 'x = 1\n\f\ny = 2\n'],
  ['Greek in names', '\u03b1 = 1\n\u0394x = \u03b1\n'],
  ['a comment far to the right', `x = 1${' '.repeat(200)}# far\n`],
  ['a socket that serves', 'import socket\ndef f():\n    s = socket.socket()\n    s.bind(("", 1))\n', 'low python.network 3', 'low python.network 4'],
];
for (const [title, source, ...expected] of cases) test(title, t => { t.deepEqual(told(source), expected.toSorted()); });

test('encodings are decoded as Python does', t => {
  t.deepEqual(told(Buffer.concat([Buffer.from('# coding: latin-1\nx = "'), Buffer.from([0xe9]), Buffer.from('"\n')])), ['low python.encoding 1']);
  t.deepEqual(told(Buffer.concat([Buffer.from('x = "'), Buffer.from([0xe9]), Buffer.from('"\n')])), ['medium python.encoding 1']);
  t.deepEqual(told('\ufeffx = 1\n'), []);
  t.deepEqual(told('\ufeff# coding: latin-1\nx = 1\n'), ['high python.encoding 1']);
  for (const name of ['utf_7', 'UTF-7', 'utf-16', 'rot13', 'raw-unicode-escape', 'punycode', 'idna', 'hz', 'iso2022_jp', 'cp037']) t.deepEqual(told(`#!/usr/bin/python\n# vim: set fileencoding=${name} :\nx = 1\n`), ['critical python.encoding 2'], name);
  t.deepEqual(told('x = 1\ny = 2\n# coding: utf-7\n'), []);
});

test('a source beyond the bound is incomplete and not clean', t => {
  const { verdict, coverage } = inspect(`x = 1\n${'# a comment\n'.repeat(400_000)}`);
  t.not(verdict, 'clean');
  t.true(coverage.skipped.length > 0);
});

test('many findings of one kind are bounded, and the gravest stay', t => {
  const { observations, verdict } = inspect(`import os, requests\n${'def f():\n    requests.get("x")\n'.repeat(1_000)}os.system("id")\n`);
  t.is(verdict, 'malicious');
  t.true(observations.length < 60);
});

test('the inventory names what is imported and called', t => {
  const { inventory } = inspect('import os.path, numpy as np\nfrom a.b import c\nclass A: pass\ndef f(): pass\nx = np.zeros(1)\n');
  t.deepEqual(inventory['python'], { imports: ['os.path', 'numpy', 'a.b.c'], functions: 1, classes: 1, callsAtImport: ['numpy.zeros'], faults: 0 });
});
