/** Why Berth cannot start, in a sentence for the person who can put it right. Anything else is a mistake of ours. */
export class StartFault extends Error {
  override name = 'StartFault';
}
