import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Daemon } from './daemon.ts';
import { freePorts } from './ports.ts';

export interface Rsyslog extends AsyncDisposable {
  readonly ports: { readonly tcp: number; readonly tls: number; readonly udp: number };
  readonly daemon: Daemon;
  /** The messages as they came, once there are so many. */
  received(count: number): Promise<string[]>;
}

export interface RsyslogTls { readonly caPath: string; readonly certPath: string; readonly keyPath: string }

const patienceMs = 20_000;

/** Debian's rsyslog (apt-get install rsyslog rsyslog-gnutls) on loopback, writing each raw message on a line of a file. */
export async function startRsyslog(tls: RsyslogTls): Promise<Rsyslog> {
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-rsyslog-'));
  const ports = await freePorts('tcp', 'tls', 'udp');
  const out = join(folder, 'messages');
  const config = join(folder, 'rsyslog.conf');
  await writeFile(config, `
global(workDirectory="${folder}" maxMessageSize="64k" defaultNetstreamDriver="gtls"
  defaultNetstreamDriverCAFile="${tls.caPath}" defaultNetstreamDriverCertFile="${tls.certPath}" defaultNetstreamDriverKeyFile="${tls.keyPath}")
module(load="imtcp")
module(load="imudp")
module(load="imptcp")
template(name="raw" type="string" string="%rawmsg%\\n")
ruleset(name="all") { action(type="omfile" file="${out}" template="raw" asyncWriting="off" flushOnTXEnd="on") }
input(type="imptcp" address="127.0.0.1" port="${ports.tcp}" ruleset="all")
input(type="imudp" address="127.0.0.1" port="${ports.udp}" ruleset="all")
input(type="imtcp" address="127.0.0.1" port="${ports.tls}" ruleset="all" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/certvalid")
syslog.* action(type="omfile" file="${join(folder, 'own')}")
`);
  const daemon = await Daemon.start({ command: '/usr/sbin/rsyslogd', args: ['-n', '-d', '-f', config, '-i', join(folder, 'pid')], cwd: folder, logFile: join(folder, 'log'), readyText: 'rsyslogd: initialization completed' });
  return {
    ports, daemon,
    async received(count) {
      for (const deadline = Date.now() + patienceMs; ; await delay(50)) {
        const lines = (await readFile(out, 'utf8').catch(() => '')).split('\n').filter(line => line !== '');
        if (lines.length >= count || Date.now() > deadline) return lines;
      }
    },
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
