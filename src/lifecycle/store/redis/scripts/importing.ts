import { stateAfter } from './lua.js';

/** A token is of one import, on one run of the server: a restart makes it void, although its key may survive. */
/**
 * The old marker goes at once: its server may come back, as a copy of this one, and must not be believed before an
 * import is finished there.
 */
export const BEGIN_IMPORT = `
if remembers then return answer('not-needed') end
redis.call('DEL', 'sessions:epoch')
redis.call('SET', 'sessions:import', runId .. ':' .. ask.token)
return answer('begun')
`;

const NEEDS_TOKEN = `
if remembers or redis.call('GET', 'sessions:import') ~= runId .. ':' .. ask.token then return answer('void') end
`;

/** Use counts from now: nobody knows better. */
export const IMPORT_POD = `${NEEDS_TOKEN}
if not ask.shown then return answer('outranked') end
local record = read(ask.shown.id)
if record and (record.generation > ask.shown.generation or not STATES[record.state]) then return answer('outranked') end
local isAnother = record and record.podUid and record.podUid ~= ask.shown.podUid
if isAnother and record.generation == ask.shown.generation then return answer('outranked') end
record = emptied(record, ask.shown.id)
for field, value in pairs(ask.shown) do record[field] = value end
record.lastUsedAtMs = now
if record.state == 'creating' then record.startDeadlineAtMs = now + ask.startTimeoutMs end
write(record)
return answer('imported')
`;

export const NOTE_LIVING = `${NEEDS_TOKEN}
if ask.isFirst then redis.call('UNLINK', 'sessions:import-living') end
for _, uid in ipairs(ask.uids) do redis.call('SADD', 'sessions:import-living', uid) end
return answer('noted')
`;

/** A stretch of the keys at a time: away with all that follows from records. Addresses stay held by those who had them. */
export const CLEAR_LISTS = `${NEEDS_TOKEN}
local page = redis.call('SCAN', ask.cursor, 'MATCH', 'sessions:*', 'COUNT', ask.stretch)
for _, key in ipairs(page[2]) do
  local name = string.match(key, '^sessions:([a-z-]+)')
  local isList = name == 'in' or name == 'of' or name == 'index' or name == 'deadlines' or name == 'tombstones'
  if isList or name == 'counted' or name == 'counted-by' then redis.call('UNLINK', key) end
end
return answer('cleared', page[1])
`;

/** A stretch of the keys at a time: each record is listed where it belongs, and ended if its pod is not among the living. */
export const RELIST = `${NEEDS_TOKEN}
local page = redis.call('SCAN', ask.cursor, 'MATCH', 'session:*', 'COUNT', ask.stretch, 'TYPE', 'hash')
for _, key in ipairs(page[2]) do
  local id = string.sub(key, #'session:' + 1)
  local record = read(id)
  if record then
    relist(id, {}, standingAs[id])
    local isLiving = redis.call('SISMEMBER', 'sessions:import-living', record.podUid or '') == 1
    if record.state == 'ready' and not isLiving then
      without(withoutPod(record), 'readyAtMs')
      record.state, record.forgetAtMs = ${stateAfter('importLost')}, now + ask.tombstoneMs
      write(record)
    end
  end
end
return answer('relisted', page[1])
`;

/** The last message of an import lets everybody know that the store can be asked again. */
export const FINISH_IMPORT = `${NEEDS_TOKEN}
redis.call('SET', 'sessions:epoch', runId)
redis.call('UNLINK', 'sessions:import', 'sessions:import-living')
return { now, publish(false), 'usable' }
`;
