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

/** As the API server writes it. */
export interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

export function toRecord(spec: LeaseSpec | undefined): LeaseRecord {
  return {
    holder: spec?.holderIdentity ?? '',
    durationMs: (spec?.leaseDurationSeconds ?? 0) * 1_000,
    acquiredAt: spec?.acquireTime,
    renewedAt: spec?.renewTime,
    transitions: spec?.leaseTransitions ?? 0,
  };
}

export function toSpec(record: LeaseRecord): LeaseSpec {
  return {
    holderIdentity: record.holder,
    leaseDurationSeconds: record.durationMs / 1_000,
    acquireTime: record.acquiredAt,
    renewTime: record.renewedAt,
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
