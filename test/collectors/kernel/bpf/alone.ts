/* Starts the sensor process as whoever runs this, and says whether that works. */
import { startSensor } from '../../../../collectors/kernel/bpf/sensor-process.ts';

const nothing = { told() { /* not of interest */ }, records() { /* as above */ } };
try {
  const sensor = await startSensor({ proc: '/proc', sys: '/sys', mainBytes: 256 << 10, bulkBytes: 256 << 10, syscalls: false }, nothing);
  await sensor.kill();
  process.stdout.write('works\n');
} catch (error) { process.stdout.write(`${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}\n`); }
