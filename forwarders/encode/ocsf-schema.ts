import { z } from 'zod';

/**
 * The part of OCSF 1.8.0 that mxwarden emits, as type and check in one: class Detection Finding (2004) with the
 * profiles host and security_control, and the objects in it. Written from the published 1.8.0 schema: attribute names,
 * requirements, enums, constraints. Attributes that we never emit are left out, so an unknown one is refused.
 */
const oneOf = <Shape extends Readonly<Record<string, unknown>>>(...names: (keyof Shape & string)[]) =>
  (value: Shape): boolean => names.some(name => value[name] !== undefined);
const lacks = (...names: string[]) => ({ error: `at least one of ${names.join(', ')} is required` });

/** timestamp_t: milliseconds since 1970. */
const timestamp = z.int();
const port = z.int().min(0).max(65_535);
/** ip_t, by its published length; the form is checked by the encoder with node:net. */
const ip = z.union([z.ipv4(), z.ipv6(), z.string().regex(/^[0-9a-f:.]+%.+$/i)]).pipe(z.string().max(40));
const uuid = z.string().regex(/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/);
/** object `object`: any attributes. */
const anything = z.record(z.string(), z.json());

const named = z.strictObject({ uid: z.string().optional(), name: z.string().optional() })
  .refine(oneOf('uid', 'name'), lacks('uid', 'name'));

export const attack = z.strictObject({
  version: z.string().optional(), tactic: named.optional(), technique: named.optional(), sub_technique: named.optional(),
}).refine(oneOf('tactic', 'technique', 'sub_technique'), lacks('tactic', 'technique', 'sub_technique'));

export const analytic = z.strictObject({
  type_id: z.literal(1), type: z.literal('Rule'),
  uid: z.string().optional(), name: z.string().optional(), desc: z.string().optional(), category: z.string().optional(), version: z.string().optional(),
}).refine(oneOf('uid', 'name'), lacks('uid', 'name'));

const product = z.strictObject({ name: z.string(), vendor_name: z.string(), version: z.string() });

export const metadata = z.strictObject({
  version: z.literal('1.8.0'), uid: z.string(), product, profiles: z.array(z.enum(['host', 'security_control', 'container'])),
  log_name: z.string(), log_provider: z.string(), sequence: z.int(), correlation_uid: z.string(),
  is_truncated: z.boolean().optional(), untruncated_size: z.int().optional(),
});

export const fingerprint = z.strictObject({ algorithm_id: z.literal(3), algorithm: z.literal('SHA-256'), value: z.string() });

const user = z.strictObject({ uid: z.string() });

export const file = z.strictObject({
  name: z.string(), type_id: z.literal([0, 1]), type: z.enum(['Unknown', 'Regular File']),
  path: z.string().optional(), size: z.int().optional(), modified_time: timestamp.optional(),
  owner: user.optional(), modifier: user.optional(), hashes: z.array(fingerprint).optional(), is_deleted: z.boolean().optional(),
  xattributes: anything.optional(),
});

export const container = z.strictObject({ uid: z.string(), runtime: z.string().optional(), pod_uuid: uuid.optional(), labels: z.array(z.string()).optional() });

const processEntity = z.strictObject({ pid: z.int(), uid: z.string(), path: z.string().optional() });
export const process = z.strictObject({
  pid: z.int(), uid: z.string(), name: z.string().optional(), path: z.string().optional(), cmd_line: z.string().optional(), working_directory: z.string().optional(),
  file: file.optional(), user: user.optional(), terminated_time: timestamp.optional(), xattributes: anything.optional(),
  parent_process: z.strictObject({ pid: z.int(), uid: z.string(), path: z.string().optional() }).optional(),
  ancestry: z.array(processEntity).optional(),
});

export const endpoint = z.strictObject({ ip: ip.optional(), name: z.string().optional(), port })
  .refine(oneOf('ip', 'name'), lacks('ip', 'name'));
export const connection = z.strictObject({
  direction_id: z.literal([1, 2]), direction: z.enum(['Inbound', 'Outbound']),
  protocol_name: z.enum(['tcp', 'udp']), protocol_num: z.literal([6, 17]),
});

const carriers = ['actor', 'connection_info', 'data', 'dst_endpoint', 'file', 'process', 'src_endpoint'] as const;
export const evidence = z.strictObject({
  name: z.string(), uid: z.string().optional(), data: anything.optional(),
  actor: z.strictObject({ process }).optional(), process: process.optional(), container: container.optional(), file: file.optional(),
  connection_info: connection.optional(), dst_endpoint: endpoint.optional(), src_endpoint: endpoint.optional(),
  verdict_id: z.literal([4, 5, 7, 8]).optional(), verdict: z.enum(['Suspicious', 'Benign', 'Insufficient Data', 'Security Risk']).optional(),
}).refine(oneOf(...carriers), lacks(...carriers));

const observableTypes = { 1: 'Hostname', 2: 'IP Address', 8: 'Hash', 9: 'Process Name', 13: 'Command Line', 45: 'File Path' } as const;
export const observable = z.strictObject({
  name: z.string(), type_id: z.literal([1, 2, 8, 9, 13, 45]), type: z.enum(Object.values(observableTypes)), value: z.string(),
}).refine(({ type_id, type }) => observableTypes[type_id] === type, { error: 'type and type_id differ' });

export const device = z.strictObject({
  type_id: z.literal(0), type: z.literal('Unknown'), hostname: z.string(), uid: z.string(), ip: ip.optional(),
  os: z.strictObject({ type_id: z.literal(200), type: z.literal('Linux'), name: z.string(), kernel_release: z.string() }),
});

export const findingInfo = z.strictObject({
  uid: z.string(), title: z.string(), desc: z.string().optional(), types: z.array(z.string()), data_sources: z.array(z.string()),
  created_time: timestamp, modified_time: timestamp, first_seen_time: timestamp, last_seen_time: timestamp,
  analytic: analytic.optional(), related_analytics: z.array(analytic).optional(), attacks: z.array(attack).optional(),
});

const activities = { 1: 'Create', 2: 'Update', 3: 'Close' } as const;
const severityNames = { 1: 'Informational', 2: 'Low', 3: 'Medium', 4: 'High', 5: 'Critical' } as const;
const confidences = { 0: 'Unknown', 1: 'Low', 2: 'Medium', 3: 'High' } as const;

export const detectionFinding = z.strictObject({
  activity_id: z.literal([1, 2, 3]), activity_name: z.enum(Object.values(activities)),
  category_uid: z.literal(2), category_name: z.literal('Findings'), class_uid: z.literal(2004), class_name: z.literal('Detection Finding'),
  type_uid: z.int(), type_name: z.string(),
  time: timestamp, start_time: timestamp, end_time: timestamp, timezone_offset: z.literal(0),
  severity_id: z.literal([1, 2, 3, 4, 5]), severity: z.enum(Object.values(severityNames)),
  confidence_id: z.literal([0, 1, 2, 3]), confidence: z.enum(Object.values(confidences)), confidence_score: z.int().min(0).max(100).optional(),
  status_id: z.literal([1, 99]), status: z.enum(['New', 'Quiet']), status_detail: z.string(),
  is_alert: z.boolean(), action_id: z.literal(3), action: z.literal('Observed'),
  disposition_id: z.literal([17, 19]), disposition: z.enum(['Logged', 'Alert']),
  message: z.string(), metadata, finding_info: findingInfo, device,
  actor: z.strictObject({ process }).optional(),
  resources: z.array(z.strictObject({ uid: z.string(), name: z.string(), type: z.string() })).optional(),
  evidences: z.array(evidence), observables: z.array(observable),
  unmapped: anything.optional(),
})
  .refine(({ type_uid, class_uid, activity_id }) => type_uid === class_uid * 100 + activity_id, { error: 'type_uid is not class_uid * 100 + activity_id' })
  .refine(({ type_name, class_name, activity_name }) => type_name === `${class_name}: ${activity_name}`, { error: 'type_name is not class: activity' })
  .refine(({ activity_id, activity_name }) => activities[activity_id] === activity_name, { error: 'activity and activity_id differ' })
  .refine(({ severity_id, severity }) => severityNames[severity_id] === severity, { error: 'severity and severity_id differ' })
  .refine(({ confidence_id, confidence }) => confidences[confidence_id] === confidence, { error: 'confidence and confidence_id differ' })
  .refine(({ status_id, status }) => (status_id === 1) === (status === 'New'), { error: 'status and status_id differ' })
  .refine(({ disposition_id, disposition }) => (disposition_id === 19) === (disposition === 'Alert'), { error: 'disposition and disposition_id differ' });

export type Attack = z.infer<typeof attack>;
export type Analytic = z.infer<typeof analytic>;
export type OcsfFile = z.infer<typeof file>;
export type OcsfProcess = z.infer<typeof process>;
export type OcsfContainer = z.infer<typeof container>;
export type Evidence = z.infer<typeof evidence>;
export type Observable = z.infer<typeof observable>;
export type Device = z.infer<typeof device>;
export type DetectionFinding = z.infer<typeof detectionFinding>;
