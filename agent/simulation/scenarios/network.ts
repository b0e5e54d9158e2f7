import { calls, connections, type Scenario } from '../scenario.ts';

/** By addresses that are the acting process's own loopback, in a network without a way out. */
const apart = (name: string, rule: string, address: string, port: number, ...techniques: readonly string[]): Scenario => ({
  name, rule, techniques, does: `connects to ${address} port ${port} in a network of its own that has no way out`, needsRoot: true, seenBy: connections,
  steps: [{ actor: `apart(['${address}'], lambda: connect('${address}', ${port}))` }],
});

/** Where it connects and listens. Nothing leaves the host. */
export const networkScenarios: readonly Scenario[] = [
  {
    name: 'new-destination', rule: 'connection.first', techniques: ['T1071', 'AML.T0025'], does: 'connects to a listener of ours on loopback', seenBy: connections,
    steps: [{ actor: `
with socket.create_server(('127.0.0.1', 0)) as listener:
    connect(*listener.getsockname())` }],
  },
  {
    name: 'listener', rule: 'connection.listener', techniques: ['T1571', 'AML.T0072'], does: 'listens on a free port of loopback', seenBy: [calls, { collector: 'network', level: 'kernel', facts: ['listeners'] }],
    steps: [{ actor: "fork(lambda: socket.create_server(('127.77.0.1', 0)).close())" }],
  },
  apart('private-range', 'connection.private-range', '10.81.0.1', 5432, 'T1018', 'AML.T0025'),
  apart('administration', 'connection.private-range', '10.81.0.2', 22, 'T1021', 'AML.T0025'),
  apart('metadata-service', 'connection.metadata-service', '169.254.169.254', 80, 'T1552.005', 'AML.T0055'),
  apart('kubernetes-api', 'connection.kubernetes-api', '10.81.0.3', 6443, 'T1613', 'AML.T0075'),
  apart('container-api', 'connection.container-api', '10.81.0.4', 2375, 'T1609', 'T1611', 'AML.T0105'),
  apart('mining-pool', 'connection.miner-port', '203.0.113.7', 3333, 'T1496', 'AML.T0034'),
  apart('foreign-resolver', 'connection.foreign-resolver', '198.51.100.53', 53, 'T1071.004', 'T1048.003', 'AML.T0025'),
  {
    name: 'foreign-resolver-udp', rule: 'connection.foreign-resolver', techniques: ['T1071.004', 'T1048.003', 'AML.T0025'], needsRoot: true,
    does: 'sends a question for a name to 198.51.100.54 port 53 in a network of its own that has no way out', seenBy: [calls, { collector: 'network', level: 'kernel', facts: ['datagrams', 'UDP'] }],
    steps: [{ actor: `
def question():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.sendto(bytes.fromhex('000101000001000000000000076578616d706c6507696e76616c69640000010001'), ('198.51.100.54', 53))
apart(['198.51.100.54'], question)` }],
  },
  {
    name: 'beacon', rule: 'beacon.regular', techniques: ['T1071', 'AML.T0072'], needsRoot: true, seenBy: connections,
    does: 'connects to 198.51.100.9 port 8443 seven times, every 1.2 s, in a network of its own that has no way out',
    steps: [{ actor: `
def beat():
    began = time.monotonic()
    for count in range(7):
        time.sleep(max(0, began + 1.2 * count - time.monotonic()))
        connect('198.51.100.9', 8443)
apart(['198.51.100.9'], beat)` }],
  },
  {
    name: 'scan-hosts', rule: 'scan.hosts', techniques: ['T1018', 'T1046'], needsRoot: true, seenBy: connections,
    does: 'connects to 30 addresses of 10.82.0.0/24 in a network of its own that has no way out',
    steps: [{ actor: "apart(['10.82.0.1'], lambda: [connect(f'10.82.0.{host}', 9100) for host in range(1, 31)])" }],
  },
  {
    name: 'scan-ports', rule: 'scan.ports', techniques: ['T1046'], needsRoot: true, seenBy: connections,
    does: 'connects to 16 ports of 10.83.0.1 in a network of its own that has no way out',
    steps: [{ actor: "apart(['10.83.0.1'], lambda: [connect('10.83.0.1', port) for port in range(8001, 8017)])" }],
  },
];
