import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditRecord } from '../../agent/audit/entry.ts';
import { encodeEntry } from '../../agent/audit/entry.ts';
import { openTrail } from '../../agent/audit/trail.ts';
import { verifyTrail } from '../../agent/audit/verify-trail.ts';
import { noon } from '../builders.ts';
import { median, print } from './figure.ts';

const rounds = 5;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

const record = (number: number): AuditRecord => ({
  action: 'artifact.inspected', at: noon + number, actor: 'agent', object: `/srv/models/resnet-${number}-0000.params`, outcome: 'clean',
  detail: { sha256: 'a'.repeat(64), format: 'ndarray-container', bytes: 102_480_012, parsed: 102_480_012, identity: `fe:00 ${number} 102480012 1795480000000000000 1795480000000000000`, rules: [] },
});

/** Records a second into the trail, against a bare loop that writes the same lines to one file and waits for the disk as often. */
export function auditFigures(): void {
  const root = mkdtempSync(join(tmpdir(), 'mxwarden-bench-'));
  try {
    for (const [batch, batches] of [[1, 400], [100, 100]] as const) {
      const ratios: number[] = [];
      let rate = 0;
      for (let round = 0; round < rounds; round++) {
        const bare = bareLoop(join(root, `bare-${batch}-${round}`), batch, batches);
        rate = trailLoop(join(root, `trail-${batch}-${round}`), batch, batches);
        ratios.push(rate / bare);
      }
      print({ name: `audit.append.by-${batch}`, value: median(ratios), unit: 'ratio', against: 'write and fdatasync of the same lines', detail: { recordsPerSecond: Math.round(rate), least: Math.min(...ratios), most: Math.max(...ratios) } });
    }
    checkpointFigures(join(root, 'checkpoints'));
  } finally { rmSync(root, { recursive: true, force: true }); }
}

const all = (batch: number, batches: number): AuditRecord[][] => Array.from({ length: batches }, (_, index) => Array.from({ length: batch }, (_, each) => record(index * batch + each)));

function bareLoop(path: string, batch: number, batches: number): number {
  const lines = all(batch, batches).map(records => Buffer.concat(records.map((each, index) => Buffer.concat([encodeEntry(each, index, 'boot'), Buffer.from('\n')]))));
  const descriptor = openSync(path, 'a');
  const began = performance.now();
  for (const bytes of lines) { writeSync(descriptor, bytes); fdatasyncSync(descriptor); }
  const seconds = (performance.now() - began) / 1_000;
  closeSync(descriptor);
  return batch * batches / seconds;
}

function trailLoop(folder: string, batch: number, batches: number): number {
  using trail = openTrail({ directory: join(folder, 'audit'), keyFile: join(folder, 'key'), hostId: 'd6b5c0f2e4cf4a1aa0d1e3c1c5f0b6aa', bootId: 'boot', remembered: null, log: quiet });
  const given = all(batch, batches);
  const began = performance.now();
  for (const records of given) trail.append(records, () => {});
  return batch * batches / ((performance.now() - began) / 1_000);
}

/** What a checkpoint holds the agent up for, how fast a trail is opened again, and how fast all of it is verified. */
function checkpointFigures(folder: string): void {
  const options = { directory: join(folder, 'audit'), keyFile: join(folder, 'key'), hostId: 'd6b5c0f2e4cf4a1aa0d1e3c1c5f0b6aa', bootId: 'boot', remembered: null, log: quiet };
  const size = 100_000;
  const waits: number[] = [];
  {
    using trail = openTrail(options);
    for (let number = 0; number < size; number += 5_000) {
      trail.append(Array.from({ length: 5_000 }, (_, index) => record(number + index)), () => {});
      trail.sign(false);
    }
    for (let number = 0; number < 20; number++) {
      trail.append([record(number)], () => {});
      const began = performance.now();
      trail.sign(false);
      waits.push(performance.now() - began);
    }
  }
  print({ name: 'audit.checkpoint', value: median(waits), unit: 'ms', detail: { most: Math.max(...waits) } });
  const began = performance.now();
  openTrail(options)[Symbol.dispose]();
  print({ name: 'audit.open', value: performance.now() - began, unit: 'ms', detail: { records: size } });
  const verifying = performance.now();
  const faults = verifyTrail(options.directory, []).flatMap(({ faults }) => faults).length;
  print({ name: 'audit.verify', value: size / ((performance.now() - verifying) / 1_000), unit: 'records/s', detail: { faults } });
}
