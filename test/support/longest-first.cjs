const { default: Sequencer } = require('@jest/test-sequencer');

/** On a new machine Jest does not know yet what takes long, and a long suite that begins last keeps all waiting. */
const LONG = [
  /replicas\/(rolling-restart|cut-replica|leaders|api-outage|store-refuses|memory-lost)/,
  /replicas\/(watch|store-down-under-load|paused-replica|killed-claimers|reaping|store-)/,
  /replicas\//,
  /vault\//,
  /simulation\//,
  /kubernetes|lease/,
];

module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    return super.sort(tests).sort((a, b) => rankOf(a.path) - rankOf(b.path));
  }
};

function rankOf(path) {
  const at = LONG.findIndex((long) => long.test(path.replace(/.*\/test\//, '')));
  return at < 0 ? LONG.length : at;
}
