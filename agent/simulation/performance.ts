import { setTimeout as delay } from 'node:timers/promises';
import type { HostPaths } from '../contract/component.ts';
import { UnavailableError } from '../contract/errors.ts';
import type { Severity } from '../contract/finding.ts';
import type { ProcessRef } from '../contract/process.ts';
import { ask } from '../control.ts';
import type { RecentFinding } from '../recent.ts';
import { blindTo, expectedOf, isOurs } from './judgement.ts';
import { type Player, startPlayer } from './player.ts';
import type { Scenario, Step } from './scenario.ts';
import type { Stage } from './stage.ts';

/** `blind`: not seen, and the running agent's own collectors say that they cannot. `skipped`: not acted, or not to its end. */
export type Result = 'seen' | 'missed' | 'blind' | 'skipped';

export interface Outcome {
  readonly scenario: Scenario;
  readonly result: Result;
  readonly finding: { readonly rule: string; readonly severity: Severity; readonly collector: string; readonly level: string | null; /** From the deed to the word. */ readonly ms: number } | null;
  /** Of everything but `seen`. */
  readonly why: string | null;
}

export interface Direction {
  readonly stage: Stage;
  readonly stateDirectory: string;
  readonly host: HostPaths;
  readonly python: string;
  /** A stand-in's path, or `mxnet`. */
  readonly library: string;
  /** How long a finding is waited for. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

export interface Performance extends AsyncDisposable {
  /** What the acts are done with, in words. */
  readonly about: string;
  play(scenario: Scenario): Promise<Outcome>;
}

/** What nobody claims to see is waited for no longer. */
const blindPatienceMs = 1_500;
const warmUpMs = 20_000;
const pollMs = 100;
const goneMs = 30_000;
/** Two clocks of one host: a fact may be dated a little before the deed's own time. */
const skewMs = 1_000;

/** Starts the process with MXNet, and waits until the agent has spoken of it once. Throws UnavailableError when it cannot start. */
export async function openPerformance(direction: Direction): Promise<Performance> {
  const { stage, host, python, library, stateDirectory, patienceMs, signal } = direction;
  const own = { processes: [] as ProcessRef[], folders: [stage.folder, stage.shared, stage.models] };
  let actor = await enter(library);
  let bystander: Player | null = null;
  const about = actor.about;
  await using stack = new AsyncDisposableStack();
  stack.defer(async () => { await actor[Symbol.asyncDispose](); await bystander?.[Symbol.asyncDispose](); });
  await warmUp(actor);

  async function enter(what: string | null): Promise<Player> {
    const player = await startPlayer(python, stage, what, host, signal);
    own.processes.push(player.ref);
    return player;
  }

  /** Its library is probed once a shell is known to have come after a load. Without that word in time the acts begin all the same. */
  async function warmUp(player: Player): Promise<void> {
    const until = Date.now() + Math.max(warmUpMs, patienceMs);
    for (let count = 0; Date.now() < until && !signal.aborted; count++) {
      const answer = await player.act(count === 0 ? models : `run('/bin/sh', '-c', ': ${count}; sleep 20; true', called='sh')`, count > 0);
      if ('cannot' in answer) throw new UnavailableError(answer.cannot);
      if (count > 0 && await heard(answer.begun, 1_000, all => all.find(({ rule, severity }) => rule === 'child.shell' && severity === 'high')) !== undefined) return;
    }
  }

  /** What the agent says of us from this moment on, as soon as it is what is looked for. */
  async function heard(since: number, waitMs: number, find: (all: readonly RecentFinding[]) => RecentFinding | undefined): Promise<RecentFinding | undefined> {
    for (const until = Date.now() + waitMs; ; await delay(pollMs)) {
      const told = await patiently(() => ask(stateDirectory, { ask: 'findings', since: since - skewMs }));
      const found = find(told.filter(each => each.toldAt >= since && isOurs(each, own)));
      if (found !== undefined || Date.now() >= until || signal.aborted) return found;
    }
  }

  /** When it was done, or why not. */
  async function take(step: Step, since: number): Promise<number | string> {
    if ('said' in step) {
      await heard(since, patienceMs, all => all.find(({ rule, path }) => rule === step.said && path?.endsWith(`/${step.of}`) === true));
      return since;
    }
    if ('bystander' in step) bystander = bystander?.isAlive === true ? bystander : await enter(null);
    const answer = 'actor' in step ? await actor.act(step.actor, true) : await bystander?.act(step.bystander, false) ?? { cannot: 'no bystander' };
    return 'cannot' in answer ? answer.cannot : answer.begun;
  }

  async function play(scenario: Scenario): Promise<Outcome> {
    const skipped = (why: string): Outcome => ({ scenario, result: 'skipped', finding: null, why });
    if (scenario.needsRoot && process.geteuid?.() !== 0) return skipped('it needs root');
    if (scenario.writesModels && stage.models === '') return skipped('no model root of the agent exists that can be written');
    const blind = blindTo(scenario, await patiently(() => ask(stateDirectory, { ask: 'status' })));
    const opened = Date.now();
    // What is told at its end must not have been told of its life before.
    if (scenario.ends) await actor[Symbol.asyncDispose]();
    if (!actor.isAlive) { actor = await enter(library); await warmUp(actor); }
    let begun = Date.now();
    for (const step of scenario.steps) {
      const done = await take(step, begun);
      if (signal.aborted) return skipped('it was interrupted');
      if (typeof done === 'string') return skipped(done);
      begun = 'said' in step ? begun : done;
    }
    if (scenario.ends) await actor[Symbol.asyncDispose]();
    const finding = await heard(scenario.ends ? opened : begun, blind === null ? patienceMs : blindPatienceMs, all => expectedOf(scenario, all));
    if (finding !== undefined) {
      const { rule, severity, collector, level, toldAt } = finding;
      return { scenario, result: 'seen', finding: { rule, severity, collector, level, ms: Math.max(0, Math.round(toldAt - begun)) }, why: null };
    }
    if (signal.aborted) return skipped('it was interrupted');
    return { scenario, result: blind === null ? 'missed' : 'blind', finding: null, why: blind ?? await whyMissed(scenario) };
  }

  async function whyMissed({ rule }: Scenario): Promise<string> {
    const { detectors } = await patiently(() => ask(stateDirectory, { ask: 'status' }));
    const name = rule.split('.', 1)[0] ?? '';
    return detectorsOfFiles.test(name) || detectors.on.includes(name) ? `nothing came within ${patienceMs / 1_000} s` : `the detector ${name} is switched off`;
  }

  const running = stack.move();
  return { about, play, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** An agent on a busy host may take its time to answer: one that does not answer for so long is gone. */
async function patiently<T>(question: () => Promise<T>): Promise<T> {
  for (const until = Date.now() + goneMs; ; await delay(pollMs)) {
    try { return await question(); } catch (error) {
      if (!(error instanceof UnavailableError) || Date.now() >= until) throw error;
    }
  }
}

/** Said by the inspector. */
const detectorsOfFiles = /^(pickle|symbol|kind)$/;
/** The harmless model, made by the process itself. */
const models = "write(MODEL + '-0000.params', parameters()); write(MODEL + '-symbol.json', SYMBOL)";
