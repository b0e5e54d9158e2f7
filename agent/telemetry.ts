import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AggregationTemporality, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { type Meter, metrics } from '@opentelemetry/api';
import type { HostIdentity } from './contract/component.ts';
import type { SinkStatus, Status } from './status.ts';

/*
 * The agent's own figures through the OpenTelemetry SDK. Imported only when the configuration asks for it: the SDK
 * costs some forty megabytes. Alerts never go this way; they have the outbox.
 */

/** Of a reason as an attribute. */
const longestReason = 200;

export interface TelemetryOptions { readonly endpoint: string; readonly intervalMs: number }

export function startTelemetry({ endpoint, intervalMs }: TelemetryOptions, host: HostIdentity, version: string, status: () => Status): AsyncDisposable {
  const exporter = new OTLPMetricExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/metrics`, temporalityPreference: AggregationTemporality.CUMULATIVE });
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({ 'service.name': 'mxwarden', 'service.version': version, 'host.id': host.id, 'host.name': host.name }),
    metricReaders: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: intervalMs, exportTimeoutMillis: Math.min(intervalMs, 10_000) })],
    instrumentations: [], autoDetectResources: false, spanProcessors: [], logRecordProcessors: [],
  });
  sdk.start();
  observe(status);
  return { async [Symbol.asyncDispose]() { await sdk.shutdown(); } };
}

function observe(status: () => Status) {
  const meter = metrics.getMeter('mxwarden');
  const counters = {
    'mxwarden.events.emitted': () => status().events.emitted,
    'mxwarden.events.lost': () => status().events.lost,
    'mxwarden.findings': () => status().detectors.findings,
    'mxwarden.findings.suppressed': () => status().exceptions.reduce((sum, one) => sum + one.suppressed, 0),
    'mxwarden.detector.failures': () => status().detectors.failures,
    'mxwarden.artifacts.inspected': () => status().inspector.inspected,
  };
  for (const [name, read] of Object.entries(counters)) meter.createObservableCounter(name).addCallback(result => result.observe(read()));
  const gauges = {
    'mxwarden.events.waiting': () => status().events.waiting,
    'mxwarden.incidents.open': () => status().incidents.open,
    'mxwarden.artifacts.waiting': () => status().inspector.waiting,
    'mxwarden.processes.watched': () => status().processes,
    'mxwarden.audit.size': () => status().audit?.size ?? 0,
    'mxwarden.store.failing': () => status().storeFailure === null ? 0 : 1,
    'process.memory.usage': () => status().memoryBytes,
  };
  for (const [name, read] of Object.entries(gauges)) meter.createObservableGauge(name).addCallback(result => result.observe(read()));
  meter.createObservableCounter('process.cpu.time', { unit: 's' }).addCallback(result => result.observe(status().cpuSeconds));
  meter.createObservableCounter('mxwarden.outbox.dropped').addCallback(result => {
    for (const [severity, count] of Object.entries(status().outbox.dropped)) result.observe(count, { severity });
  });
  observeSinks(meter, status);
}

/** `null`: there is nothing to tell, and no point is sent. */
const sinkFigures: Readonly<Record<string, readonly [unit: string, read: (sink: SinkStatus) => number | null]>> = {
  'mxwarden.sink.pending': ['{alert}', sink => sink.pending],
  'mxwarden.sink.pending.bytes': ['By', sink => sink.bytes],
  'mxwarden.sink.oldest.age': ['s', sink => sink.pending > 0 && sink.oldestAt !== null ? Math.max(0, Date.now() - sink.oldestAt) / 1_000 : 0],
  'mxwarden.sink.dead': ['{alert}', sink => sink.dead],
  'mxwarden.sink.success.time': ['s', sink => sink.lastSuccessAt && sink.lastSuccessAt / 1_000],
};

function observeSinks(meter: Meter, status: () => Status) {
  for (const [name, [unit, read]] of Object.entries(sinkFigures)) {
    meter.createObservableGauge(name, { unit }).addCallback(result => {
      for (const sink of status().sinks) {
        const value = read(sink);
        if (value !== null) result.observe(value, { sink: sink.name, state: sink.state });
      }
    });
  }
  meter.createObservableGauge('mxwarden.sink.error.time', { unit: 's' }).addCallback(result => {
    for (const { name, lastError } of status().sinks) if (lastError) result.observe(lastError.at / 1_000, { sink: name, reason: lastError.reason.slice(0, longestReason) });
  });
}
