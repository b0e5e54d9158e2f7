import { styleText } from 'node:util';
import { type Paint, processTree, registry, renderIncident } from '../assemble.ts';
import { loadConfig } from '../config/load.ts';
import { UnavailableError } from '../contract/errors.ts';
import type { Severity } from '../contract/finding.ts';
import type { Incident } from '../contract/incident.ts';
import { escapeText } from '../contract/text.ts';
import { openReadOnly } from '../store/database.ts';
import { type IncidentView, viewIncidents } from '../store/incidents.ts';
import { type CommonOptions, configFile, exitCode, type ExitCode, print, printJson } from './command.ts';

interface ListOptions extends CommonOptions { readonly severity?: Severity; readonly since?: number; readonly open?: boolean; readonly limit: number }

/** 0: there are none. 1: there are. Works beside a running agent, and without one. */
export async function list({ severity, since, open, limit, ...options }: ListOptions): Promise<ExitCode> {
  const incidents = ask(options, view => view.list({ limit, ...severity && { severity }, ...since !== undefined && { since }, ...open && { open } }));
  for (const incident of incidents) {
    if (options.format === 'json') printJson(incident);
    else print(`${new Date(incident.changedAt).toISOString()}  ${incident.severity.padEnd(8)} ${incident.status.padEnd(7)} ${escapeText(incident.id)}  ${escapeText(incident.title)}`);
  }
  if (options.format !== 'json') print(incidents.length === 0 ? 'no incidents' : `${incidents.length} incidents; mxwarden incidents show ID tells the story`);
  return incidents.length === 0 ? exitCode.ok : exitCode.findings;
}

/** 1, as there is an incident; 69 when none has this id, or several begin with it. */
export async function show(id: string, options: CommonOptions): Promise<ExitCode> {
  const found = ask(options, view => view.find(id));
  const exact = found.find(incident => incident.id === id) ?? (found.length === 1 ? found[0] : undefined);
  if (exact === undefined) {
    throw new UnavailableError(found.length === 0 ? `there is no incident ${escapeText(id)}; mxwarden incidents list has them all` : `several incidents begin with ${escapeText(id)}: ${found.map(each => escapeText(each.id)).join(', ')}`);
  }
  if (options.format === 'json') printJson(exact);
  else tell(exact);
  return exitCode.findings;
}

function ask<T>(options: CommonOptions, question: (view: IncidentView) => T): T {
  const { config } = loadConfig(configFile(options.config), registry);
  using database = openReadOnly(config.stateDirectory);
  return question(viewIncidents(database));
}

const paint: Paint = (styles, text) => styleText(styles, text, { stream: process.stdout });

function tell(incident: Incident) {
  process.stdout.write(renderIncident(incident, new Set(), paint));
  const tree = processTree(incident);
  if (tree.length === 0) return;
  print('\nprocesses:');
  for (const line of tree) print(`  ${line}`);
  if (incident.gaps.length === 0) print('\nnothing is known to be missing from this account');
}
