import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AggregationTemporality, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { metrics } from '@opentelemetry/api';
import type { HostIdentity } from './contract/component.ts';
import type { Status } from './status.ts';

/*
 * The agent's own figures through the OpenTelemetry SDK. Imported only when the configuration asks for it: the SDK
 * costs some forty megabytes. Alerts never go this way; they have the outbox.
 */

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
    'mxwarden.store.failing': () => status().storeFailure === null ? 0 : 1,
    'process.memory.usage': () => status().memoryBytes,
  };
  for (const [name, read] of Object.entries(gauges)) meter.createObservableGauge(name).addCallback(result => result.observe(read()));
  meter.createObservableCounter('process.cpu.time', { unit: 's' }).addCallback(result => result.observe(status().cpuSeconds));
  meter.createObservableGauge('mxwarden.sink.pending').addCallback(result => {
    for (const sink of status().sinks) result.observe(sink.pending, { sink: sink.name });
  });
}
