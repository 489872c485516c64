import { isCounted, SESSION_STATES } from '../../../session-states.js';
import { AT_THE_FRONT, FIELDS, NEEDED_NUMBERS, NUMBERS, SCHEMA } from '../session-hash.js';
import { luaList, luaSet } from './lua.js';

/**
 * Reading a record, and the one place that writes one. Everything that follows from a record (`sessions:…`: who is in
 * which state, counted, listed, due, to be forgotten, at which address) is kept by `relist`, which takes the record
 * from what it was to what it is; an import builds it anew from the records alone.
 *
 * No key has a time to live: a tombstone whose time is over is none from then on, and the scripts that come by take it
 * away with all its traces.
 */
export const RECORDS = `
local NUMBERS = ${luaList(NUMBERS)}
local NEEDED = ${luaList(NEEDED_NUMBERS)}
local AT_THE_FRONT = ${luaList(AT_THE_FRONT)}
local STATES = ${luaSet(SESSION_STATES)}
local COUNTED = ${luaSet(SESSION_STATES.filter(isCounted))}

-- Each record as its hash stands, all texts; a record at work has numbers where numbers belong.
local standingAs = {}

local function moveInSets(prefix, id, before, after)
  if before == after then return end
  if before then redis.call('SREM', prefix .. before, id) end
  if after then redis.call('SADD', prefix .. after, id) end
end

local function moveInOrder(key, id, before, after)
  if before == after then return end
  if after then redis.call('ZADD', key, after, id) else redis.call('ZREM', key, id) end
end

local function counted(hash) return COUNTED[hash.state] and '' or nil end
local function countedOwner(hash) return COUNTED[hash.state] and hash.owner or nil end
local function address(hash) return hash.state == 'ready' and hash.podAddress or nil end

local function letGo(held, id, hash)
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', 'sessions:addresses-let-go', '-inf', now, 'LIMIT', 0, 10)) do
    redis.call('ZREM', 'sessions:addresses-let-go', old)
    redis.call('HDEL', 'sessions:addresses', old)
  end
  redis.call('HSET', 'sessions:addresses', held, id)
  redis.call('ZADD', 'sessions:addresses-let-go', now + touchWindow({ idleTimeoutMs = tonumber(hash.idleTimeoutMs) }), held)
end

local function relist(id, was, is)
  moveInSets('sessions:in:', id, was.state, is.state)
  moveInSets('sessions:counted', id, counted(was), counted(is))
  moveInSets('sessions:counted-by:', id, countedOwner(was), countedOwner(is))
  moveInOrder('sessions:index', id, was.owner and 0, is.owner and 0)
  if was.owner ~= is.owner then
    if was.owner then redis.call('ZREM', 'sessions:of:' .. was.owner, id) end
    if is.owner then redis.call('ZADD', 'sessions:of:' .. is.owner, 0, id) end
  end
  moveInOrder('sessions:deadlines', id, was.dueAtMs, is.dueAtMs)
  moveInOrder('sessions:tombstones', id, was.forgetAtMs, is.forgetAtMs)
  if address(was) and address(was) ~= address(is) then letGo(address(was), id, was) end
  if address(is) and address(was) ~= address(is) then
    redis.call('HSET', 'sessions:addresses', address(is), id)
    redis.call('ZREM', 'sessions:addresses-let-go', address(is))
  end
end

local function forget(id, hash)
  redis.call('DEL', 'session:' .. id)
  relist(id, hash, {})
  standingAs[id] = nil
end

local function isRecord(record)
  for _, field in ipairs(NEEDED) do if not record[field] then return false end end
  return record.owner and record.state and (record.state ~= 'creating' or record.startDeadlineAtMs)
end

-- nil: there is none, or its time is over.
local function read(id)
  local flat = redis.call('HGETALL', 'session:' .. id)
  if #flat == 0 then return nil end
  local hash, record = {}, {}
  for at = 1, #flat, 2 do hash[flat[at]], record[flat[at]] = flat[at + 1], flat[at + 1] end
  for _, field in ipairs(NUMBERS) do record[field] = hash[field] and tonumber(hash[field]) end
  standingAs[id] = hash
  if not isRecord(record) then return nil end
  if record.forgetAtMs and record.forgetAtMs <= now then return forget(id, hash) end
  return record
end

local function json(record)
  return record and cjson.encode(standingAs[record.id]) or false
end

-- A change takes longer than a microsecond, so versions never run ahead of the clock: they rise over a loss of memory, too.
local function nextVersion()
  version = version or tonumber(redis.call('GET', 'sessions:version') or 0)
  version = math.max(version + 1, nowMicros)
  return version
end

-- Where a record changes, but for its mere use. Fields that this version does not know stay as they are.
local function write(record, postponedUntil)
  local was, is, set, gone = standingAs[record.id] or {}, {}, {}, {}
  record.schema = record.schema or '${SCHEMA}'
  record.version = nextVersion()
  record.dueAtMs = postponedUntil or dueAt(record)
  local function take(field, value)
    if is[field] or value == nil then return end
    is[field] = text(value)
    if was[field] ~= is[field] then set[#set + 1], set[#set + 2] = field, is[field] end
  end
  for _, field in ipairs(AT_THE_FRONT) do take(field, record[field]) end
  for field, value in pairs(record) do take(field, value) end
  for field in pairs(was) do if not is[field] then gone[#gone + 1] = field end end
  redis.call('HSET', 'session:' .. record.id, unpack(set))
  if #gone > 0 then redis.call('HDEL', 'session:' .. record.id, unpack(gone)) end
  relist(record.id, was, is)
  standingAs[record.id] = is
  changes[#changes + 1] = json(record)
end

-- Use alone, of a record or of as much of one as this needs: often, so only what differs is written, and nobody is told
-- unless it is due sooner than was thought, as one that was put off.
local function writeUse(record, usedAt, requests)
  local wasDueAt = record.dueAtMs
  record.lastUsedAtMs = math.max(record.lastUsedAtMs, usedAt)
  record.requests, record.version = record.requests + requests, nextVersion()
  record.dueAtMs = dueAt(record)
  local is, key = standingAs[record.id], 'session:' .. record.id
  local used, count, version, due = text(record.lastUsedAtMs), text(record.requests), text(record.version), text(record.dueAtMs)
  redis.call('HSET', key, 'lastUsedAtMs', used, 'requests', count, 'version', version, 'dueAtMs', due)
  if record.dueAtMs ~= wasDueAt then redis.call('ZADD', 'sessions:deadlines', due, record.id) end
  if is then is.lastUsedAtMs, is.requests, is.version, is.dueAtMs = used, count, version, due end
  if wasDueAt and record.dueAtMs >= wasDueAt then return end
  if not is then read(record.id) end
  changes[#changes + 1] = json(record)
end

local function forgetSome(limit)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'sessions:tombstones', '-inf', now, 'LIMIT', 0, limit)) do
    if not read(id) then redis.call('ZREM', 'sessions:tombstones', id) end
  end
end

local function without(record, ...)
  for _, field in ipairs({ ... }) do record[field] = nil end
  return record
end

local function withoutPod(record)
  return without(record, 'podName', 'podUid', 'podAddress', 'podNode')
end

-- The same hash, all that this version knows of it empty.
local function emptied(record, id)
  if not record then return { id = id } end
  local schema = record.schema
  without(record, unpack(${luaList(FIELDS)}))
  record.id, record.schema = id, schema
  return record
end

-- The record, if it is the one that the reference means; and what is true.
local function standing(ref)
  local record = read(ref.id)
  local isMeant = record and record.generation == ref.generation and (not ref.uid or record.podUid == ref.uid)
  return isMeant and record or nil, record
end

local function moved(truth)
  return answer('moved', json(truth))
end

local function mayReach(record)
  return ask.caller.isAdmin or record.owner == ask.caller.owner
end
`;
