import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { type PythonProcess, spawnPython } from '../services/mxnet.ts';
import { patient } from '../services/patience.ts';
import { tethered } from '../services/run.ts';
import type { HeartbeatEvent } from '../../forwarders/encode/heartbeat.ts';

const root = new URL('../..', import.meta.url).pathname;

/** An OCSF Detection Finding, as far as these tests look into it. */
export interface Alert {
  readonly metadata: { readonly uid: string };
  readonly finding_info: { readonly uid: string; readonly title: string; readonly analytic?: { readonly uid?: string }; readonly related_analytics?: readonly { readonly uid?: string }[] };
  readonly severity_id: number;
  readonly message: string;
  readonly activity_id: number;
  readonly unmapped: { readonly mxwarden: { readonly revision: number; readonly story: readonly string[]; readonly gaps: readonly string[] } };
  readonly evidences: readonly object[];
}

export interface Scene extends AsyncDisposable {
  readonly folder: string;
  readonly models: string;
  readonly config: string;
  /** Alerts that the file forwarder has written. */
  alerts(): Promise<Alert[]>;
  /** Heartbeats that it has written. */
  heartbeats(): Promise<HeartbeatEvent[]>;
}

/** A folder with models, a configuration and a state of its own. `more` is laid over the configuration. */
export async function scene(more: Record<string, unknown> = {}, forwarders: Record<string, unknown> = {}): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-e2e-'));
  const models = join(folder, 'models');
  await mkdir(models);
  const config = join(folder, 'agent.config.yaml');
  const file = join(folder, 'alerts.jsonl');
  await writeFile(config, stringify({
    stateDirectory: join(folder, 'state'),
    collectors: { watch: { roots: [models] } },
    forwarders: { stdout: { format: 'json' }, file: { path: file }, ...forwarders },
    ...more,
  }));
  return {
    folder, models, config,
    alerts: async () => ofClass<Alert>(await readFile(file, 'utf8').catch(() => ''), 2004),
    heartbeats: async () => ofClass<HeartbeatEvent>(await readFile(file, 'utf8').catch(() => ''), 6002),
    async [Symbol.asyncDispose]() { await rm(folder, { recursive: true, force: true }); },
  };
}

export const lines = <Line>(text: string): Line[] => text.split('\n').filter(line => line.startsWith('{')).map(line => JSON.parse(line) as Line);

/** Of OCSF objects, a line each, those of one class. */
export const ofClass = <Line>(text: string, uid: number): Line[] => lines<Line & { readonly class_uid: number }>(text).filter(line => line.class_uid === uid);

export interface RunningAgent extends AsyncDisposable {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  signal(name: NodeJS.Signals): void;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

/** Starts the agent as a user would; resolves when it says that it is armed. */
export async function startAgent(at: Scene, more: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<RunningAgent> {
  const child = spawn(...tethered('sh', [join(root, 'agent/mxwarden'), 'run', '--config', at.config, ...more]), { cwd: at.folder, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text; });
  const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  await until(() => stderr.includes('armed in') || child.exitCode !== null, patient(60_000), () => `the agent is armed\n${stderr}`);
  if (child.exitCode !== null) throw new Error(`the agent ended with ${child.exitCode}\n${stderr}`);
  return {
    pid: child.pid ?? 0, exited, stdout: () => stdout, stderr: () => stderr,
    signal: name => { child.kill(name); },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const late = await Promise.race([exited, delay(8_000, 'late', { ref: false })]);
      if (late === 'late') { child.kill('SIGKILL'); await exited; }
    },
  };
}

/** A real MXNet that waits for commands, already known to the agent when it resolves. */
export async function startServer(uid?: number): Promise<PythonProcess & { tell(line: string, timeoutMs?: number): Promise<string> }> {
  const server = await spawnPython({ file: join(root, 'test/fixtures/serve.py') }, uid === undefined ? {} : { uid });
  await server.read(60_000);
  return Object.assign(server, {
    tell: async (line: string, timeoutMs = 30_000) => {
      server.send(line);
      return await server.read(timeoutMs);
    },
  });
}

/** A checkpoint that a real MXNet saved: `PREFIX-symbol.json` and `PREFIX-0000.params`. */
export async function saveModel(prefix: string): Promise<void> {
  await using server = await startServer();
  await server.tell(`save ${prefix} 0`);
}

/** As a deployment does it: written beside, then renamed over. */
export async function replaceFile(from: string, to: string): Promise<void> {
  await copyFile(from, `${to}.part`);
  await rename(`${to}.part`, to);
}

/** Waits for something to be so; on failure the error says what was waited for. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs: number, what: string | (() => string)): Promise<void> {
  for (const end = Date.now() + timeoutMs; !(await condition()); await delay(50)) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${typeof what === 'string' ? what : what()}`);
  }
}

/** The newest revision of each incident. */
export function newest(alerts: readonly Alert[]): Alert[] {
  const last = new Map<string, Alert>();
  for (const alert of alerts) {
    const known = last.get(alert.finding_info.uid);
    if (!known || known.unmapped.mxwarden.revision <= alert.unmapped.mxwarden.revision) last.set(alert.finding_info.uid, alert);
  }
  return [...last.values()];
}

/** Of a scene's own files and processes: other tests' processes have MXNet too, and every agent of the host sees them. */
export const ofScene = (at: Scene, pids: readonly number[]) => (alert: Alert): boolean => JSON.stringify(alert).includes(at.folder) || pids.some(pid => alert.message.includes(`[${pid}]`) || alert.message.includes(`pid ${pid}`));
