import type { EventOf } from '../../agent/contract/event.ts';
import type { Severity } from '../../agent/contract/finding.ts';
import { isLoopback, metadataServices, rangeOf } from '../context/address.ts';

/** What one connection, made soon after a load, is suspected of. */
export interface Verdict {
  readonly rule: string;
  readonly severity: Severity;
  readonly confidence: number;
  readonly what: string;
  readonly techniques: readonly string[];
  /** A program that also asks it with no load near does so by habit: then it is low. Others are judged at their first time. */
  readonly byHabit: boolean;
}

type Connection = EventOf<'network.connected'>;
/** Addresses that differ from host to host. `resolvers`, `kubernetes`: as the operator names them; `ofHost`: whom the host itself asks for names. */
export interface Known { readonly resolvers: ReadonlySet<string>; readonly ofHost: ReadonlySet<string>; readonly kubernetes: ReadonlySet<string> }

const credentials: Verdict = {
  rule: 'connection.metadata-service', severity: 'high', confidence: 0.8, byHabit: true, techniques: ['T1552.005', 'AML.T0055'],
  what: 'asked the metadata service of the cloud, which hands out credentials, at',
};
const kubernetes: Verdict = { rule: 'connection.kubernetes-api', severity: 'medium', confidence: 0.6, byHabit: true, techniques: ['T1613', 'AML.T0075'], what: 'asked the API of Kubernetes at' };
const containers: Verdict = { rule: 'connection.container-api', severity: 'high', confidence: 0.7, byHabit: true, techniques: ['T1609', 'T1611', 'AML.T0105'], what: 'asked the API of a container engine, which is root on its host, at' };

const first: Verdict = { rule: 'connection.first', severity: 'low', confidence: 0.4, byHabit: false, techniques: ['T1071', 'AML.T0025'], what: 'connected to' };
const inside: Verdict = { rule: 'connection.private-range', severity: 'low', confidence: 0.3, byHabit: false, techniques: ['T1018', 'AML.T0025'], what: 'connected into a private network, to' };
const administration: Verdict = { ...inside, severity: 'medium', confidence: 0.6, techniques: ['T1021', 'AML.T0025'], what: 'connected to a port by which machines are administered, at' };
const mining: Verdict = { rule: 'connection.miner-port', severity: 'medium', confidence: 0.5, byHabit: false, techniques: ['T1496', 'AML.T0034'], what: 'connected to a port that mining pools use, at' };

/** A list of resolvers makes any other one foreign; without it only public ones are, and that is a weak sign. */
const resolving = (listed: boolean, isPublic: boolean): Verdict => ({
  rule: 'connection.foreign-resolver', severity: listed && isPublic ? 'medium' : 'low', confidence: listed ? 0.6 : 0.3, byHabit: false, techniques: ['T1071.004', 'T1048.003', 'AML.T0025'],
  what: 'asked for names at a server that is not the host\'s own,',
});

/** SSH, Telnet, the ports of Windows, VNC, WinRM: one machine commands another. */
const administrationPorts = new Set([22, 23, 135, 139, 445, 3389, 5900, 5985, 5986]);
/** Ports of public pools, as their own pages list them; those that other services mostly use are left out. */
const minerPorts = new Set([3333, 3334, 4444, 5555, 6666, 7777, 9999, 10_128, 10_343, 13_333, 14_433, 14_444, 20_128, 45_560, 45_700]);
const resolverPorts = new Set([53, 853]);
/** API server, kubelet (with and without certificate). */
const kubernetesPorts = new Set([6443, 10_250, 10_255]);
/** First address of the service networks that distributions come with: k8s, k3s, EKS, AKS, OpenShift, MicroK8s. */
const kubernetesAddresses = new Set(['10.96.0.1', '10.43.0.1', '10.100.0.1', '172.20.0.1', '10.0.0.1', '172.30.0.1', '10.152.183.1']);

/** What an outbound connection is, the most telling first. `address` is canonical. */
export function destination({ port, process }: Connection, address: string, known: Known): Verdict {
  const range = rangeOf(address);
  if (metadataServices.has(address)) return credentials;
  if (port === 2375 || port === 2376) return range === 'public' ? first : containers;
  const isService = known.kubernetes.has(address) || (process.container !== null && kubernetesAddresses.has(address));
  if ((isService && port === 443) || (range !== 'public' && kubernetesPorts.has(port))) return kubernetes;
  if (resolverPorts.has(port) && range !== 'loopback' && !known.resolvers.has(address) && !known.ofHost.has(address)) {
    // Whom a container asks is not in the host's own list.
    const listed = known.resolvers.size > 0 || (known.ofHost.size > 0 && process.container === null);
    if (listed || range === 'public') return resolving(listed, range === 'public');
  }
  if (minerPorts.has(port) && range === 'public') return mining;
  if (range !== 'private') return first;
  return administrationPorts.has(port) ? administration : inside;
}

/** A port opened by the service itself is how it serves; one by a child of another executable, for others to reach, is not. */
export const listening = (foreign: boolean, address: string): Verdict => ({
  rule: 'connection.listener', severity: foreign && !isLoopback(address) ? 'medium' : 'low', confidence: foreign ? 0.6 : 0.3, byHabit: false,
  what: 'began to listen on', techniques: ['T1571', 'AML.T0072'],
});
