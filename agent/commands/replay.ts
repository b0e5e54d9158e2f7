import { registry } from '../assemble.ts';
import { loadConfig } from '../config/load.ts';
import { UnavailableError } from '../contract/errors.ts';
import type { Incident } from '../contract/incident.ts';
import { createLog } from '../log.ts';
import { createCorrelation } from '../pipeline/correlate.ts';
import { createDetection } from '../pipeline/detect.ts';
import { readRecording } from '../pipeline/record.ts';
import { type CommonOptions, configFile, exitCode, type ExitCode, print, printJson } from './command.ts';

interface ReplayOptions extends CommonOptions { readonly incidents?: boolean }

/** The findings of a recording, under the rules and the configuration of now. Sends nothing, stores nothing. */
export async function replay(file: string, options: ReplayOptions): Promise<ExitCode> {
  const { config } = loadConfig(configFile(options.config), registry);
  const detection = createDetection(registry.detectors, config.detectors, createLog({ level: 'warn', format: 'auto' }), config.exceptions);
  const correlation = createCorrelation(config.incidents);
  const incidents = new Map<string, Incident>();
  const counts = { events: 0, findings: 0 };
  try {
    for await (const event of readRecording(file)) {
      counts.events += 1;
      const findings = detection.see(event);
      correlation.see(event, findings);
      for (const finding of findings) {
        counts.findings += 1;
        if (options.format === 'json') printJson(finding);
        else print(`${new Date(finding.at).toISOString()}  ${finding.severity.padEnd(8)}  ${finding.rule}  ${finding.summary}`);
      }
      for (const incident of correlation.take(event.at)) incidents.set(incident.id, incident);
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw new UnavailableError(`${file}: cannot be read (${error.code})`);
    if (error instanceof RangeError) throw new UnavailableError(error.message);
    throw error;
  }
  for (const incident of correlation.take(Number.MAX_SAFE_INTEGER, true)) incidents.set(incident.id, incident);
  if (options.incidents) for (const incident of incidents.values()) show(incident, options.format);
  if (options.format !== 'json') print(`${counts.events} events, ${counts.findings} findings, ${incidents.size} incidents`);
  return counts.findings > 0 ? exitCode.findings : exitCode.ok;
}

function show(incident: Incident, format: CommonOptions['format']) {
  if (format === 'json') printJson({ incident });
  else print(`${incident.id}  ${incident.severity.padEnd(8)}  ${incident.title}`);
}
