import test from 'ava';
import { judgeName, linkLeaves } from '../../../../detectors/formats/archive/member-name.ts';
import { createMemberSet } from '../../../../detectors/formats/archive/member-set.ts';
import type { MemberKind } from '../../../../detectors/formats/archive/member-set.ts';

const latin = (name: string) => Buffer.from(name, 'latin1');
const rulesOf = (name: string | Uint8Array) => judgeName(typeof name === 'string' ? Buffer.from(name) : name).map(({ rule, severity }) => `${severity} ${rule}`);

const honest = ['model-symbol.json', 'MAR-INF/MANIFEST.json', 'a/b/', './model-0000.params', './', '.', 'a..b/c...d', '..a/b', 'größe.txt', '模型/参数.params', 'a b.txt', 'x'.repeat(255)];
for (const name of honest) test(`nothing is wrong with the name ${name.slice(0, 30)}`, t => t.deepEqual(rulesOf(name), []));

const odd: readonly (readonly [string | Uint8Array, ...string[]])[] = [
  ['', 'medium archive.name-empty'],
  ['../x', 'critical archive.name-escape'],
  ['a/../../x', 'critical archive.name-escape'],
  ['a/b/../../../x/y/z', 'critical archive.name-escape'],
  ['..', 'critical archive.name-escape'],
  ['..\\x', 'high archive.name-escape', 'medium archive.name-backslash'],
  ['a\\..\\..\\x', 'high archive.name-escape', 'medium archive.name-backslash'],
  ['a/../x', 'high archive.name-parent'],
  ['a/..', 'high archive.name-parent'],
  ['/etc/passwd', 'high archive.name-absolute'],
  ['//server/x', 'high archive.name-absolute', 'medium archive.name-odd'],
  ['C:\\x', 'medium archive.name-drive', 'medium archive.name-backslash'],
  ['c:x', 'medium archive.name-drive'],
  ['a\\b', 'medium archive.name-backslash'],
  ['a\0.params', 'high archive.name-nul', 'medium archive.name-control'],
  ['a\nb', 'medium archive.name-control'],
  ['a\u202egpj.py', 'medium archive.name-control'],
  ['a\u200b', 'medium archive.name-control'],
  [latin('gr\xf6\xdfe'), 'medium archive.name-encoding'],
  ['a/'.repeat(65), 'medium archive.name-deep'],
  ['a/b/'.repeat(300), 'medium archive.name-long', 'medium archive.name-deep'],
  [`${'a/b/'.repeat(8_000)}${'../'.repeat(16_001)}`, 'medium archive.name-long', 'critical archive.name-escape', 'medium archive.name-deep'],
  ['x'.repeat(256), 'medium archive.name-part'],
  ['a//b', 'medium archive.name-odd'],
  ['a/./b', 'medium archive.name-odd'],
  ['a./b', 'low archive.name-trailing'],
  ['a ', 'low archive.name-trailing'],
  ['.git/config', 'info archive.name-hidden'],
];
for (const [name, ...rules] of odd) test(`${JSON.stringify(String(name).slice(0, 30))} is told as ${rules.join(', ')}`, t => t.deepEqual(rulesOf(name), rules));

test('a message never carries what it complains of', t => {
  for (const { message } of judgeName(Buffer.from('../a\n\u202e\x1b[2J"'))) t.notRegex(message, /[\n\u202e\x1b]/);
});

test('a link leaves its folder by what it is relative to', t => {
  for (const [name, target] of [['a', '/etc'], ['a', '..'], ['a/b', '../../x'], ['a', 'b/../../c'], ['a', '..\\x'], ['a', 'C:\\x']] as const) t.true(linkLeaves(name, target), `${name} ${target}`);
  for (const [name, target] of [['a', 'b'], ['a/b', '../c'], ['a/b/', '../c'], ['a/b/c', '../../d'], ['a', './b']] as const) t.false(linkLeaves(name, target), `${name} ${target}`);
});

const together = (...members: readonly (readonly [string | Uint8Array, MemberKind?])[]) => {
  const set = createMemberSet();
  return members.flatMap(([name, kind]) => set.add(typeof name === 'string' ? Buffer.from(name) : name, kind ?? 'file')).map(({ rule, severity }) => `${severity} ${rule}`);
};

test('members in their places are not told', t => {
  t.deepEqual(together(['a/', 'folder'], ['a/b'], ['a/c'], ['b'], ['l', 'link'], ['d/e/f'], ['d/', 'folder'], ['d/e/', 'folder']), []);
});

test('what collides is told, in whatever order it comes', t => {
  t.deepEqual(together(['a'], ['a']), ['high archive.member-twice']);
  t.deepEqual(together(['a/b'], ['./a/b']), ['high archive.member-twice']);
  t.deepEqual(together(['a', 'folder'], ['a', 'link']), ['high archive.member-twice']);
  t.deepEqual(together(['a/', 'folder'], ['a/', 'folder']), ['low archive.folder-twice']);
  t.deepEqual(together(['README'], ['readme']), ['low archive.member-case']);
  t.deepEqual(together(['gr\u00f6sse'], ['gro\u0308sse']), ['medium archive.member-alike']);
  t.deepEqual(together(['os.py'], ['o\uff53.py']), ['medium archive.member-alike']);
  t.deepEqual(together(['a'], ['a/b']), ['medium archive.member-file-and-folder']);
  t.deepEqual(together(['a/b'], ['a']), ['medium archive.member-file-and-folder']);
  t.deepEqual(together(['a', 'link'], ['a/b']), ['critical archive.member-through-link']);
  t.deepEqual(together(['a/b/c'], ['a/b', 'link']), ['critical archive.member-through-link']);
});

test('names that are not UTF-8 are told apart by their bytes', t => {
  t.deepEqual(together([latin('\xe4')], [latin('\xf6')]), []);
  t.deepEqual(together([latin('\xe4')], [latin('\xe4')]), ['high archive.member-twice']);
});

test('a link that many members go through is told once', t => {
  t.deepEqual(together(['a', 'link'], ['a/b'], ['a/c'], ['a/d/e']), ['critical archive.member-through-link']);
});
