import { MOST_CRASHES_IN_A_ROW } from '../../../crash-counts.js';
import { isLive, SESSION_STATES } from '../../../session-states.js';
import { luaSet, stateAfter } from './lua.js';

/** What a request for a session comes to, and what it is opened with: `entry-rules.ts` and `record-rules.ts` in one step. */
const ENTRY = `
local opening, asked, otherwise = ask.opening, ask.opening.asked, ask.opening.otherwise
local LIVE = ${luaSet(SESSION_STATES.filter(isLive))}

local function has(list, word)
  for _, one in ipairs(list) do if one == word then return true end end
  return false
end

local function look(previous)
  local from = previous and previous.endedBy ~= 'request' and previous or otherwise
  if from == previous then
    local isOther = asked.template and asked.template ~= previous.template
    local isGone = opening.offered and not has(opening.offered, previous.template)
    if isOther or isGone then from = otherwise end
  end
  return {
    template = from == previous and previous.template or asked.template or otherwise.template,
    env = asked.env or from.env,
    idleTimeoutMs = asked.idleTimeoutMs or from.idleTimeoutMs,
    maxLifetimeMs = asked.maxLifetimeMs or from.maxLifetimeMs,
  }
end

local function openingOf(record)
  if record and not LIVE[record.state] and record.owner ~= ask.caller.owner then return 'not-yours' end
  if opening.denied and has(opening.denied, look(record).template) then return 'forbidden' end
  return opening.onlyGeneration and 'other-generation' or 'open'
end

local function isGenerationAsked(record)
  if not opening.onlyGeneration then return true end
  return record.generation == opening.onlyGeneration and record.state ~= 'failed'
end

local function isConflict(record)
  return asked.template and asked.template ~= record.template or asked.env and asked.env ~= record.env
end

local function latestEnded(record)
  return record.endedBy == 'request' and record.opening or record.endedOpening
end

local function entryOf(record)
  if record and not mayReach(record) then return 'not-yours' end
  if record and opening.heldFor and (latestEnded(record) or 0) >= opening.heldFor then return 'ended' end
  if record and not STATES[record.state] then return 'show' end
  if not record or not LIVE[record.state] then return openingOf(record) end
  if opening.denied and has(opening.denied, record.template) then return 'forbidden' end
  if not isGenerationAsked(record) then return 'other-generation' end
  local isOver = now >= expiresAt(record)
  if isOver and record.state == 'ready' then return openingOf(record) end
  if not isOver and isConflict(record) then return 'conflict' end
  if record.state ~= 'failed' then return 'touch' end
  return now >= (record.retryAtMs or 0) and 'open' or 'show'
end

local function refusal(owner)
  local ofOwner = redis.call('SCARD', 'sessions:counted-by:' .. owner)
  if ask.maxSessionsPerOwner > 0 and ofOwner >= ask.maxSessionsPerOwner then return 'owner-limit' end
  return redis.call('SCARD', 'sessions:counted') >= ask.maxSessions and 'session-limit' or nil
end

local function begun(previous)
  local owner, state, generation, number, fresh = ask.caller.owner, 'absent', 0, 0, look(previous)
  if previous then
    owner, state, generation, number = previous.owner, previous.state, previous.generation, previous.opening
  end
  local isRetry = state == 'failed' and now < expiresAt(previous)
  local record = previous
  if isRetry then
    without(record, 'retryAtMs', 'lastFailureReason', 'lastFailureMessage', 'lastFailureAtMs')
    record.crashes = math.min(record.crashes, ${MOST_CRASHES_IN_A_ROW - 1})
  else
    local endedOpening = previous and latestEnded(previous)
    record = emptied(previous, ask.id)
    record.owner, record.opening, record.openedAtMs, record.endedOpening = owner, number + 1, now, endedOpening
    record.requests, record.heals, record.crashes, record.failures = 0, 0, 0, 0
  end
  for field, value in pairs(fresh) do record[field] = value end
  record.state = ${stateAfter('open')}
  record.generation, record.lastUsedAtMs, record.startDeadlineAtMs = generation + 1, now, now + ask.startTimeoutMs
  return record
end
`;

/** A ready session past its lifetime takes its own place. */
export const ENTER = `${ENTRY}
forgetSome(10)
local record = read(ask.id)
local entry = entryOf(record)
if entry == 'open' then
  local isCounted = record and COUNTED[record.state]
  local refused = not isCounted and refusal(record and record.owner or ask.caller.owner)
  if refused then return answer(refused) end
  record = begun(record)
  write(record)
  return answer('opened', json(record))
end
if entry == 'touch' then writeUse(record, now, 0) end
if entry == 'touch' or entry == 'show' then return answer('found', json(record)) end
return answer(entry)
`;
