/** Why a token is not believed. Logged, never told: the list helps an operator and would help a forger. */
export type RefusedReason =
  | 'missing'
  | 'too-long'
  | 'malformed'
  | 'wrong-algorithm'
  | 'critical-extension'
  | 'unknown-key'
  | 'wrong-signature'
  | 'expired'
  | 'not-yet-valid'
  | 'wrong-issuer'
  | 'wrong-audience'
  | 'no-expiry'
  | 'no-subject'
  | 'unknown-api-key';

export class TokenRefused extends Error {
  override name = 'TokenRefused';

  constructor(
    readonly reason: RefusedReason,
    options?: ErrorOptions,
  ) {
    super(reason, options);
  }
}
