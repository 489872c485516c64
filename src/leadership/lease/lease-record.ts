import type { V1LeaseSpec } from '@kubernetes/client-node';

/** Who holds the lease. Its times are for people and for seeing that something changed: nobody here reckons with them. */
export interface LeaseRecord {
  /** Empty: it was released. */
  holder: string;
  /** What the holder promises: whoever sees no renewal for so long may take the lease. */
  durationMs: number;
  /** RFC 3339 with microseconds, kept as they are written. */
  acquiredAt?: string;
  renewedAt?: string;
  /** How often the lease has changed hands. */
  transitions: number;
}

/** The typed client hands out times as strings, though its types say otherwise, and sends strings as they are. */
type Time = V1LeaseSpec['renewTime'];

export function toRecord(spec: V1LeaseSpec | undefined): LeaseRecord {
  return {
    holder: spec?.holderIdentity ?? '',
    durationMs: (spec?.leaseDurationSeconds ?? 0) * 1_000,
    acquiredAt: text(spec?.acquireTime),
    renewedAt: text(spec?.renewTime),
    transitions: spec?.leaseTransitions ?? 0,
  };
}

export function toSpec(record: LeaseRecord): V1LeaseSpec {
  return {
    holderIdentity: record.holder,
    leaseDurationSeconds: record.durationMs / 1_000,
    acquireTime: record.acquiredAt as unknown as Time,
    renewTime: record.renewedAt as unknown as Time,
    leaseTransitions: record.transitions,
  };
}

/** The shortest life, as client-go writes it too: whoever looks at the duration alone waits no longer than that. */
export function released(record: LeaseRecord, wallMs: number): LeaseRecord {
  const at = microTime(wallMs);
  return { ...record, holder: '', durationMs: 1_000, acquiredAt: at, renewedAt: at };
}

/** The API server takes exactly six digits. */
export function microTime(atMs: number): string {
  return new Date(atMs).toISOString().replace('Z', '000Z');
}

function text(time: unknown): string | undefined {
  if (typeof time === 'string') return time;
  return time instanceof Date ? microTime(time.getTime()) : undefined;
}
