import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { parseCgroup } from '../../../../collectors/kernel/procfs/cgroup.ts';
import { parseAvailable, parseBootTime, parseCpu, parseLoad, parseUptime } from '../../../../collectors/kernel/procfs/figures.ts';
import { parseMaps, withoutMark } from '../../../../collectors/kernel/procfs/maps.ts';
import { parseMountinfo, samePlaces } from '../../../../collectors/kernel/procfs/mounts.ts';
import { clip, parseArguments, parseEnvironment, parseIo, parseLoginUid, parsePages, parseStat, parseStatus } from '../../../../collectors/kernel/procfs/parse.ts';
import { parseUnits } from '../../../../collectors/kernel/procfs/units.ts';
import { ofLibinfo } from '../../../../collectors/kernel/procfs/version.ts';
import { mapLine, statLine } from './tree.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

test('stat: a name that looks like the rest of the line does not move the fields', t => {
  const stat = parseStat(bytes(statLine({ pid: 7, name: 'a) Z 1 (b) S 99\n', parent: 3, startTicks: 42, threads: 5 })));
  t.like(stat, { pid: 7, name: 'a) Z 1 (b) S 99\\x0a', state: 'S', parent: 3, startTicks: 42, threads: 5, cpuTicks: 300, residentPages: 777, virtualBytes: 4_096_000, kernelThread: false });
  t.true(parseStat(bytes(statLine({ pid: 2, flags: 0x0020_8040 }))).kernelThread);
});

test('stat: any name of any bytes leaves the numbers alone', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 15 }), fc.nat(), (name, start) => {
    const text = statLine({ pid: 9, name: Buffer.from(name).toString('latin1'), startTicks: start });
    const stat = parseStat(bytes(text));
    return stat.pid === 9 && stat.startTicks === start && stat.state === 'S' && !/[\u0000-\u001f]/.test(stat.name);
  }));
  t.pass();
});

test('status: the effective user and the pids of all namespaces', t => {
  t.deepEqual(parseStatus(bytes('Name:\tx\\nUid:\\t5\nPid:\t9\nUid:\t1\t2\t3\t4\nNSpid:\t9\t4\t1\nCapEff:\t000001ffffffffff\n')), { uid: 2, namespacePids: [9, 4, 1], capabilities: 0x1ffffffffffn });
  t.throws(() => parseStatus(bytes('Name:\tx\n')), { instanceOf: RangeError });
});

test('arguments: at most 64 of 1,024 characters, what is left out is said, controls are escaped', t => {
  t.deepEqual(parseArguments(bytes('python3\0-c\0\x1b[31mred\n\0')), ['python3', '-c', '\\x1b[31mred\\x0a']);
  t.deepEqual(parseArguments(bytes('title without an end')), ['title without an end']);
  t.deepEqual(parseArguments(bytes('')), []);
  const many = parseArguments(bytes(`${'x'.repeat(5_000)}\0`.repeat(70)));
  t.is(many.length, 64);
  t.is(many.at(-1), '… 7 more');
  t.is(many[0]?.length, 1_024);
  t.is(parseArguments(bytes('a\0b'), true).at(-1), '… more');
});

test('arguments: any bytes give bounded text without controls', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 3_000 }), fc.boolean(), (raw, cut) =>
    parseArguments(raw, cut).every(text => text.length <= 1_024 && !/[\u0000-\u001f\u007f-\u009f]|[\ud800-\udbff](?![\udc00-\udfff])/.test(text))));
  t.true(parseArguments(bytes('a\0'.repeat(10_000))).length <= 64);
});

test('clip never parts a surrogate pair', t => {
  t.is(clip('ab😀d', 4), 'ab…');
  t.is(clip('ab', 2), 'ab');
});

test('environment: the first value counts, a variable whose name only ends alike does not', t => {
  const found = parseEnvironment(bytes('XLD_LIBRARY_PATH=no\0LD_LIBRARY_PATH=/a:/b\0LD_LIBRARY_PATH=/c\0EMPTY='), ['LD_LIBRARY_PATH', 'EMPTY', 'ABSENT']);
  t.deepEqual([...found], [['LD_LIBRARY_PATH', '/a:/b'], ['EMPTY', '']]);
});

test('maps: each file once for a run of lines, by inode, with bytes and newlines kept', t => {
  const text = `${mapLine(11, '/lib/a\\012b')}${mapLine(11, '/lib/a\\012b', 0x7f00_0000_2000)}${mapLine(0, '[heap]')}${mapLine(12, '/x y (deleted)', 0x40_0000)}`;
  t.deepEqual(parseMaps(bytes(text)), [
    { range: '7f0000000000-7f0000001000', device: 'fe:00', inode: '11', path: '/lib/a\nb', executable: true },
    { range: '400000-401000', device: 'fe:00', inode: '12', path: '/x y (deleted)', executable: true },
  ]);
  t.is(withoutMark('/x y (deleted)'), '/x y');
  t.is(parseMaps(bytes('00400000-00452000 r--p 00000000 08:02 1 /a\n00452000-00453000 r-xp 00000000 08:02 1 /a\n'))[0]?.executable, true);
  t.is(parseMaps(bytes('00400000-00452000 r-xp 00000000 08:02 1 /a\n'))[0]?.range, '400000-452000');
});

test('maps: a cut last line is left out, a line that is none is an error', t => {
  t.is(parseMaps(bytes(`${mapLine(1, '/a')}7f00-7f01 r-x`), true).length, 1);
  t.throws(() => parseMaps(bytes(`${mapLine(1, '/a')}hello world\n`)), { instanceOf: RangeError });
});

test('maps: what real processes print is read as a plain split reads it', t => {
  const text = readFileSync('/proc/self/maps', 'latin1');
  const lines = text.split('\n').filter(line => line !== '').map(line => /^(\S+) (\S+) \S+ (\S+) (\d+) *(.*)$/.exec(line) ?? []).filter(found => found[4] !== '0');
  const expected = [...new Set(lines.map(found => `${found[3]} ${found[4]} ${found[5]}`))];
  t.deepEqual([...new Set(parseMaps(bytes(text)).map(each => `${each.device} ${each.inode} ${each.path}`))], expected);
  t.true(expected.length > 0);
});

test('maps: any file name between two others is read back, and hides neither', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (name, inode) => {
    const path = `/${Buffer.from(name).toString('latin1').replaceAll('\n', '\\012')}`;
    const found = parseMaps(bytes(`${mapLine(1, '/a')}${mapLine(inode + 2, path)}${mapLine(3_000_000_000, '/b')}`));
    return found.length === 3 && found[0]?.path === '/a' && found[1]?.path === path.replaceAll('\\012', '\n') && found[2]?.path === '/b';
  }));
  t.pass();
});

test('every parser answers any text with a value or a RangeError', t => {
  const parsers: readonly ((raw: Buffer) => unknown)[] = [
    parseStat, parseStatus, parseMaps, raw => parseMaps(raw, true), parsePages, parseIo, parseLoginUid, parseLoad, parseAvailable, parseCpu,
    parseUptime, parseBootTime, parseUnits, raw => parseCgroup(raw.toString()), raw => parseMountinfo(raw.toString('latin1')), raw => ofLibinfo(raw.toString()),
  ];
  const likely = fc.oneof(
    fc.uint8Array({ maxLength: 400 }).map(raw => Buffer.from(raw)),
    fc.array(fc.constantFrom(' ', '\n', '(', ')', '-', ':', '/', '7f00', '0', '1 (x) S', 'cpu', 'Uid:\t', 'r-xp', '08:01', 'kB', '\\012'), { maxLength: 60 }).map(parts => bytes(parts.join(''))),
  );
  fc.assert(fc.property(likely, raw => {
    for (const parse of parsers) try { parse(raw); } catch (error) { if (!(error instanceof RangeError)) throw error; }
  }), { numRuns: 500 });
  t.pass();
});

test('io, load, memory, processors, time: the figures of a real host', t => {
  t.deepEqual(parseIo(bytes('rchar: 6976\nwchar: 12\nsyscr: 10\nread_bytes: 0\n')), { readBytes: 6_976, writtenBytes: 12 });
  t.is(parseLoginUid(bytes('4294967295')), null);
  t.is(parseLoginUid(bytes('1000\n')), 1_000);
  t.is(parsePages(bytes('765 425 397 5 0 90 0\n')), 765);
  t.is(parseLoad(bytes('1.83 1.77 1.16 2/151 26832\n')), 1.83);
  t.is(parseAvailable(bytes('MemTotal:       24683656 kB\nMemFree:        20000 kB\nMemAvailable:   23950000 kB\n')), 23_950_000 * 1_024);
  t.deepEqual(parseCpu(bytes('cpu  10 1 5 100 20 2 3 4 7 0\ncpu0 1 2 3 4\n')), { total: 145, busy: 25 });
  t.is(parseUptime(bytes('1749.12 3000.00\n')), 1_749.12);
  t.is(parseBootTime(bytes('cpu 1\nbtime 1795508000\n')), 1_795_508_000);
});

const id = 'a3'.repeat(32);
const pod = '6f1e2d3c-0a1b-4c5d-8e9f-001122334455';
const cgroups: readonly (readonly [title: string, text: string, expected: ReturnType<typeof parseCgroup>])[] = [
  ['docker, version 1', `12:cpu:/docker/${id}\n1:name=systemd:/docker/${id}\n`, { id, runtime: 'docker', podUid: null }],
  ['docker by systemd', `0::/system.slice/docker-${id}.scope\n`, { id, runtime: 'docker', podUid: null }],
  ['containerd in Kubernetes by systemd', `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${pod.replaceAll('-', '_')}.slice/cri-containerd-${id}.scope\n`, { id, runtime: 'containerd', podUid: pod }],
  ['containerd in Kubernetes by cgroupfs', `0::/kubepods/besteffort/pod${pod}/${id}\n`, { id, runtime: null, podUid: pod }],
  ['containerd, slice with colons', `0::/system.slice/kubepods-pod${pod.replaceAll('-', '_')}.slice:cri-containerd:${id}\n`, { id, runtime: 'containerd', podUid: pod }],
  ['CRI-O', `0::/kubepods.slice/kubepods-pod${pod.replaceAll('-', '_')}.slice/crio-${id}.scope/container\n`, { id, runtime: 'cri-o', podUid: pod }],
  ['podman of a user', `0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope/container\n`, { id, runtime: 'podman', podUid: null }],
  ['the monitor of podman', `0::/machine.slice/libpod-conmon-${id}.scope\n`, null],
  ['a container seen from another', `0::/../../docker-${id}.scope\n`, { id, runtime: 'docker', podUid: null }],
  ['LXC', '0::/lxc.payload.web\x1b1/init.scope\n', { id: 'web\\x1b1', runtime: 'lxc', podUid: null }],
  ['none', '0::/user.slice/user-1000.slice/session-3.scope\n', null],
  ['none, version 1', '9:name=systemd:/\n4:memory:/process_api/a344819a7766eb064a388dc110198402\n', null],
];
for (const [title, text, expected] of cgroups) test(`container: ${title}`, t => { t.deepEqual(parseCgroup(text), expected); });

test('mounts: a bind mount in a container is found where the host has it', t => {
  const theirs = parseMountinfo('500 400 0:60 / / rw - overlay overlay rw\n501 500 8:1 /srv/my\\040models /models rw - ext4 /dev/sda1 rw\n');
  const ours = parseMountinfo('20 1 8:1 / / rw - ext4 /dev/sda1 rw\n90 20 0:60 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw\n');
  t.deepEqual(samePlaces('/models/a/b.params', theirs, ours), ['/srv/my models/a/b.params']);
  t.deepEqual(samePlaces('/usr/bin/python3', theirs, ours), ['/var/lib/docker/overlay2/x/merged/usr/bin/python3']);
  t.deepEqual(samePlaces('/models', theirs, []), []);
});

test('version: the last assignment of libinfo.py counts, escaped', t => {
  t.is(ofLibinfo('__version__ = "1.9.0"\n__version__ = \'1.9.1\x1b[2J\'\n'), '1.9.1\\x1b[2J');
  t.is(ofLibinfo('version = "1"\n'), null);
});

test('units: page size and clock from the auxiliary vector, the usual ones when it is absurd', t => {
  const pair = (key: number, value: number): Buffer => { const words = Buffer.alloc(16); words.writeBigUInt64LE(BigInt(key)); words.writeBigUInt64LE(BigInt(value), 8); return words; };
  t.deepEqual(parseUnits(Buffer.concat([pair(6, 65_536), pair(17, 250)])), { pageBytes: 65_536, ticksPerSecond: 250 });
  t.deepEqual(parseUnits(pair(6, 0)), { pageBytes: 4_096, ticksPerSecond: 100 });
});
