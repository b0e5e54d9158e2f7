import type { ArtifactInspected } from './event.ts';

/** What was found out about a file; valid only for exactly the identity it names, change time included. */
export type InspectionRecord = Pick<ArtifactInspected, 'file' | 'sha256' | 'format' | 'verdict' | 'observations'>;
