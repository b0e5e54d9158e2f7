import { z } from 'zod';
import type { Component } from '../contract/component.ts';
import { ConfigError } from '../contract/errors.ts';
import { exceptionList } from './exceptions.ts';

export interface Registry {
  readonly collectors: readonly Component<unknown>[];
  readonly detectors: readonly Component<unknown>[];
  readonly forwarders: readonly Component<unknown>[];
}

/** What the agent itself takes, beside the plugins' blocks. */
const agent = {
  stateDirectory: z.string().min(1).optional()
    .describe('Outbox, baselines and the status socket. Default: $STATE_DIRECTORY of the service manager, else .mxwarden beside this file.'),
  log: z.strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
    format: z.enum(['auto', 'text', 'json']).default('auto').describe('auto: text on a terminal, JSON otherwise'),
  }).prefault({}),
  host: z.strictObject({
    proc: z.string().default('/proc'),
    sys: z.string().default('/sys'),
    tracefs: z.string().default('/sys/kernel/tracing'),
  }).prefault({}).describe('Where the pseudo file systems are; in a container with hostPID, where the host\'s are mounted.'),
  inspect: z.strictObject({
    jobs: z.int().min(1).max(16).default(1).describe('files inspected side by side'),
    maxBytes: z.int().min(1).default(68_719_476_736).describe('a larger file is reported as incomplete'),
    timeoutMs: z.int().min(100).default(600_000).describe('per file'),
    queue: z.int().min(100).max(1_000_000).default(250_000).describe('files waiting; more are counted as lost'),
  }).prefault({}),
  incidents: z.strictObject({
    quietMs: z.int().min(1_000).default(600_000).describe('closed when nothing new was found for so long'),
    attributionMs: z.int().min(1_000).default(600_000).describe('how long after a load what the process does is told as its consequence'),
    coalesceMs: z.int().min(0).default(500).describe('updates of one incident are at least so far apart'),
    maxOpen: z.int().min(1).max(10_000).default(500).describe('more than these are counted in one summary incident'),
  }).prefault({}),
  outbox: z.strictObject({
    maxBytes: z.int().min(1_048_576).default(1_073_741_824),
    maxAgeDays: z.number().min(1).default(30),
    stopMs: z.int().min(0).max(60_000).default(3_000).describe('how long a stopping agent tries to deliver what is left'),
  }).prefault({}),
  stream: z.strictObject({
    capacity: z.int().min(1_000).max(10_000_000).default(100_000).describe('events waiting; more are counted as lost'),
  }).prefault({}),
  heartbeat: z.strictObject({
    enabled: z.boolean().default(true),
    intervalMs: z.int().min(1_000).max(86_400_000).default(60_000).describe('so often every sink is told that the agent lives, and how each sensor is'),
  }).prefault({}).describe('A dead agent and a quiet one can be told apart.'),
  audit: z.strictObject({
    enabled: z.boolean().default(true),
    directory: z.string().min(1).optional().describe('Default: audit in the state directory'),
    keyFile: z.string().min(1).optional().describe('The Ed25519 key that signs it, made when there is none. Default: keys/audit.key in the state directory'),
    retentionDays: z.int().min(1).max(36_500).default(400).describe('older records are removed; their hashes stay'),
    checkpointMs: z.int().min(1_000).max(3_600_000).default(60_000).describe('what was recorded is signed, and the checkpoint leaves the host, so often'),
  }).prefault({}).describe('The agent\'s own signed record of what was loaded, inspected and reported.'),
  exceptions: exceptionList,
  telemetry: z.strictObject({
    endpoint: z.url().default('http://127.0.0.1:4318').describe('OTLP over HTTP: base address, /v1/metrics is added'),
    intervalMs: z.int().min(1_000).default(15_000),
  }).optional().describe('The agent\'s own metrics through OpenTelemetry. Absent: none leave the host.'),
};

const general = z.strictObject(agent);
export type AgentConfig = z.output<typeof general>;

/** A plugin that is on, with its checked block. */
export type Enabled = ReadonlyMap<string, unknown>;

export interface Config extends Omit<AgentConfig, 'stateDirectory'> {
  /** Absolute. */
  readonly stateDirectory: string;
  readonly collectors: Enabled;
  readonly detectors: Enabled;
  readonly forwarders: Enabled;
}

const blocks = (components: readonly Component<unknown>[]) =>
  z.strictObject(Object.fromEntries(components.map(component => [component.name, block(component)]))).prefault({});

function block(component: Component<unknown>) {
  const schema = component.config;
  if (!(schema instanceof z.ZodObject)) throw new ConfigError(`${component.name}: its config is not a zod object`);
  const withSwitch = schema.safeExtend({ enabled: z.boolean().default(true) });
  return component.optIn ? withSwitch.optional() : withSwitch.prefault({});
}

/** One schema for the whole file. */
export function configSchema(registry: Registry) {
  return z.strictObject({
    ...agent,
    collectors: blocks(registry.collectors),
    detectors: blocks(registry.detectors),
    forwarders: blocks(registry.forwarders),
  });
}

/** The blocks of the plugins that are on, without the switch. */
export function enabled(checked: Record<string, unknown>): Enabled {
  const on = new Map<string, unknown>();
  for (const [name, value] of Object.entries(checked)) {
    if (value === undefined) continue;
    const { enabled, ...config } = value as { enabled: boolean };
    if (enabled) on.set(name, config);
  }
  return on;
}
