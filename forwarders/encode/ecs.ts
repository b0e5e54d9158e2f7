import { present } from './evidence.ts';
import { gistOf } from './gist.ts';
import type { Attack, DetectionFinding, Evidence, OcsfProcess } from './ocsf-schema.ts';
import { isoTime } from './story.ts';

/** Of the Elastic Common Schema; the field set is Apache-2.0 at github.com/elastic/ecs, generated/ecs/ecs_flat.yml. */
export const ecsVersion = '9.4.0';

/** Elastic Security's own risk of each severity, by OCSF's `severity_id`. */
const risks = { 1: 1, 2: 21, 3: 47, 4: 73, 5: 99 } as const;
const actions = { 1: 'incident-opened', 2: 'incident-updated', 3: 'incident-closed' } as const;
const rootUid = '0';

/** An alert as one ECS document. Everything OCSF has beyond ECS stays under `mxwarden`. Pure. */
export function encodeEcs(alert: DetectionFinding): Record<string, unknown> {
  const { finding_info: info, metadata, device } = alert;
  const { artifact, loader, child, reached, container } = gistOf(alert);
  return present({
    '@timestamp': isoTime(alert.time), ecs: { version: ecsVersion }, message: alert.message,
    event: present({
      kind: 'alert', category: categoriesOf(alert), type: ['info'], action: actions[alert.activity_id], id: metadata.uid, severity: alert.severity_id,
      risk_score: risks[alert.severity_id], module: 'mxwarden', dataset: 'mxwarden.alerts', provider: metadata.log_provider, sequence: metadata.sequence,
      start: isoTime(alert.start_time), end: isoTime(alert.end_time), created: isoTime(alert.time), reason: info.desc,
    }),
    rule: info.analytic && present({ id: info.analytic.uid, name: info.analytic.name ?? info.analytic.uid, version: info.analytic.version, ruleset: 'mxwarden', category: info.types[0] }),
    threat: threatOf(info.attacks ?? []),
    host: present({ hostname: device.hostname, name: device.hostname, id: device.uid, ip: device.ip ? [device.ip] : undefined, os: { type: 'linux', full: device.os.name, kernel: device.os.kernel_release } }),
    observer: { vendor: metadata.product.vendor_name, product: metadata.product.name, version: metadata.product.version, type: 'host-agent', hostname: device.hostname },
    file: artifact && present({
      path: artifact.path, name: artifact.name, size: artifact.size, mtime: artifact.modified_time === undefined ? undefined : isoTime(artifact.modified_time),
      uid: artifact.owner?.uid, type: 'file', hash: artifact.hashes?.[0] && { sha256: artifact.hashes[0].value },
    }),
    process: loader ? processOf(child ?? loader, child ? loader : undefined) : child && processOf(child, undefined),
    user: loader?.user && { id: loader.user.uid, ...loader.user.uid === rootUid ? { name: 'root' } : {} },
    container: container && present({ id: container.uid, runtime: container.runtime }),
    orchestrator: container?.pod_uuid === undefined ? undefined : { type: 'kubernetes', resource: { type: 'pod', id: container.pod_uuid } },
    destination: reached && destinationOf(reached),
    related: relatedOf(alert),
    tags: ['mxwarden', 'mxnet'],
    mxwarden: { incident: { id: info.uid, title: info.title, status: alert.status }, ...ownOf(alert) },
  });
}

const ownOf = ({ unmapped }: DetectionFinding): Record<string, unknown> => {
  const own = unmapped?.['mxwarden'];
  return typeof own === 'object' && own !== null && !Array.isArray(own) ? own : {};
};

/** ECS's allowed values of event.category, as far as the evidence speaks of them. */
function categoriesOf({ evidences, actor }: DetectionFinding): string[] {
  const network = evidences.some(({ dst_endpoint, src_endpoint }) => dst_endpoint !== undefined || src_endpoint !== undefined);
  return ['malware', 'file', ...actor ? ['process'] : [], ...network ? ['network'] : []];
}

/** A process that ran after the load stands in front, the loader above it: that is what an analyst asks for. */
function processOf(process: OcsfProcess, parent: OcsfProcess | undefined): Record<string, unknown> {
  return present({
    pid: process.pid, entity_id: process.uid, name: process.name, executable: process.path, command_line: process.cmd_line,
    working_directory: process.working_directory, user: process.user && { id: process.user.uid },
    parent: parent && present({ pid: parent.pid, entity_id: parent.uid, name: parent.name, executable: parent.path, command_line: parent.cmd_line }),
  });
}

const destinationOf = ({ dst_endpoint }: Evidence): Record<string, unknown> =>
  present({ ip: dst_endpoint?.ip, address: dst_endpoint?.ip ?? dst_endpoint?.name, port: dst_endpoint?.port });

/** One framework a document, as the field has one value: ATT&CK's when there is any of it. */
function threatOf(attacks: readonly Attack[]): Record<string, unknown> | undefined {
  const isAtlas = ({ version }: Attack): boolean => version?.startsWith('ATLAS') === true;
  const ours = attacks.some(each => !isAtlas(each)) ? attacks.filter(each => !isAtlas(each)) : attacks;
  if (ours.length === 0) return undefined;
  const list = (pick: (attack: Attack) => { readonly uid?: string | undefined; readonly name?: string | undefined } | undefined) => {
    const found = [...new Map(ours.flatMap(attack => pick(attack) ?? []).map(each => [each.uid, each])).values()];
    return found.length === 0 ? undefined : { id: found.flatMap(({ uid }) => uid ?? []), name: found.flatMap(({ name }) => name ?? []) };
  };
  const technique = list(attack => attack.technique);
  const subtechnique = list(attack => attack.sub_technique);
  return present({
    framework: ours.some(isAtlas) ? 'MITRE ATLAS' : 'MITRE ATT&CK', tactic: list(attack => attack.tactic),
    technique: technique && present({ ...technique, subtechnique }),
  });
}

function relatedOf({ observables, actor }: DetectionFinding): Record<string, unknown> {
  const values = (type: number): string[] | undefined => {
    const found = observables.filter(({ type_id }) => type_id === type).map(({ value }) => value);
    return found.length > 0 ? found : undefined;
  };
  return present({ hash: values(8), ip: values(2), hosts: values(1), user: actor?.process.user && [actor.process.user.uid] });
}
