import { randomUUID } from 'node:crypto';
import type { Result } from './result.ts';

/**
 * An inventory (CycloneDX 1.6): each file a component with its digest; models and their parameters as
 * machine-learning-model, else as file. The verdict, the format and the counts of findings are properties.
 */
export function cycloneDx(results: readonly Result[], version: string, at: Date): object {
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${randomUUID()}`,
    version: 1,
    metadata: {
      timestamp: at.toISOString(),
      tools: { components: [{ type: 'application', name: 'mxwarden', version }] },
      properties: [property('examined', results.length), property('notExamined', results.filter(({ verdict }) => verdict === 'incomplete' || verdict === 'unsupported').length)],
    },
    components: results.map(component),
  };
}

const models = new Set(['ndarray-container', 'symbol-json', 'npz', 'mar']);

function component({ path, sha256, size, format, verdict, findings, coverage }: Result, index: number) {
  const gravest = (['critical', 'high', 'medium', 'low'] as const).find(level => findings.some(({ severity }) => severity === level));
  return {
    'bom-ref': `file-${index}`,
    type: models.has(format) ? 'machine-learning-model' : 'file',
    name: path.slice(path.lastIndexOf('/') + 1) || path,
    ...sha256 === null ? {} : { version: `sha256:${sha256}`, hashes: [{ alg: 'SHA-256', content: sha256 }] },
    properties: [
      property('path', path), property('format', format), property('verdict', verdict), property('findings', findings.filter(({ severity }) => severity !== 'info').length),
      property('bytesParsed', coverage.parsed), ...size === null ? [] : [property('bytes', size)], ...gravest === undefined ? [] : [property('gravest', gravest)],
    ],
  };
}

const property = (name: string, value: string | number) => ({ name: `mxwarden:${name}`, value: String(value) });
