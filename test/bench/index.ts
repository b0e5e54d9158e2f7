import { agentFigures } from './agent.ts';
import { auditFigures } from './audit.ts';
import { costFigures } from './cost.ts';
import { hugeFigure, inspectionFigures } from './inspection.ts';
import { kafkaFigures, outboxFigures } from './delivery.ts';
import { idleForwarderFigure } from './idle.ts';
import { pipelineFigure } from './pipeline.ts';
import { sensorFigures } from './sensor.ts';
import { stormFigures } from './storm.ts';

/* Prints one JSON line a figure. Each ratio is measured side by side in this run; absolute times depend on the machine. */

const asked = new Set(process.argv.slice(2));
const wanted = (name: string) => asked.size === 0 || asked.has(name);

if (wanted('pipeline')) pipelineFigure();
if (wanted('inspect')) inspectionFigures();
if (wanted('huge')) hugeFigure();
if (wanted('audit')) auditFigures();
if (wanted('outbox')) outboxFigures();
if (wanted('kafka')) await kafkaFigures();
if (wanted('idle')) await idleForwarderFigure();
if (wanted('agent')) await agentFigures();
if (wanted('cost')) await costFigures();
if (wanted('sensor')) await sensorFigures();
if (wanted('storm')) await stormFigures();
