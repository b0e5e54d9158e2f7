import type { Severity } from '../../agent/contract/finding.ts';
import type { Incident } from '../../agent/contract/incident.ts';
import { chapterLine, idOf, isoTime, zeroOf } from './story.ts';
import { safeText } from './words.ts';

export type Style = 'red' | 'yellow' | 'cyan' | 'bold' | 'dim' | 'inverse';
/** Colours a text, or leaves it as it is where the reader is no terminal or asked for none. */
export type Paint = (styles: Style[], text: string) => string;

const colours: Readonly<Record<Severity, Style[]>> = {
  critical: ['bold', 'red', 'inverse'], high: ['bold', 'red'], medium: ['bold', 'yellow'], low: ['cyan'], info: ['dim'],
};
const news = { open: '', updated: ' updated', closed: ' closed' } as const;

/** Marks of all that an incident has to tell: what a reader of it has seen. */
export const marksOf = ({ story, gaps }: Incident): ReadonlySet<string> => new Set([...story.map(idOf), ...gaps]);

/**
 * An incident for people, a few lines of text ending in a newline: what and when, then the story and its gaps as far as
 * the marks in `told` do not hold them already. Nothing in it can act on a terminal but what `paint` adds.
 */
export function renderIncident(incident: Incident, told: ReadonlySet<string>, paint: Paint): string {
  const zero = zeroOf(incident);
  const fresh = incident.story.filter(chapter => !told.has(idOf(chapter)));
  const severity = paint(colours[incident.severity], ` ${incident.severity.toUpperCase()} `);
  const when = paint(['dim'], `${isoTime(incident.changedAt)} ${safe(incident.id)}${news[incident.status]}`);
  const lines = [
    `${severity} ${paint(['bold'], safe(incident.title))}  ${when}`,
    ...fresh.map(chapter => (chapter.type === 'finding'
      ? paint(colours[chapter.finding.severity].filter(style => style !== 'inverse'), chapterLine(chapter, zero))
      : chapterLine(chapter, zero))),
    ...incident.gaps.filter(gap => !told.has(gap)).slice(0, 20).map(gap => paint(['dim'], `      gap:  ${safe(gap)}`)),
  ];
  return `${lines.join('\n')}\n`;
}

const safe = (text: string): string => safeText(text, 400);
