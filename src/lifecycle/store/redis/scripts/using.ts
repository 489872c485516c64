import { isLive, SESSION_STATES } from '../../../session-states.js';
import { luaList, luaSet } from './lua.js';

/** Besides state and pod: what a use rests on, and what follows from it. */
const NUMBERS_OF_USE = [
  ...(['generation', 'lastUsedAtMs', 'requests', 'idleTimeoutMs', 'maxLifetimeMs', 'openedAtMs'] as const),
  ...(['readyAtMs', 'dueAtMs'] as const),
] as const;
const NEEDED_OF_USE = NUMBERS_OF_USE.filter((field) => field !== 'readyAtMs' && field !== 'dueAtMs');

/**
 * Some sessions in one step; each is answered in the order given. It is the most frequent of all changes, so it reads no
 * more of a ready record than it needs; of any other it reads everything, to say what is true.
 */
export const TOUCH = `
local NUMBERS_OF_USE = ${luaList(NUMBERS_OF_USE)}
local NEEDED_OF_USE = ${luaList(NEEDED_OF_USE)}

local function meant(touch)
  local facts = redis.call('HMGET', 'session:' .. touch.id, 'state', 'podUid', unpack(NUMBERS_OF_USE))
  if facts[1] ~= 'ready' or touch.uid and facts[2] ~= touch.uid then return nil end
  local record = { id = touch.id, state = 'ready' }
  for at, field in ipairs(NUMBERS_OF_USE) do record[field] = tonumber(facts[at + 2]) end
  for _, field in ipairs(NEEDED_OF_USE) do if not record[field] then return nil end end
  return record.generation == touch.generation and record or nil
end

local answers = {}
for at, touch in ipairs(ask.touches) do
  local record = meant(touch)
  if record then
    writeUse(record, math.floor(now - (touch.idleForMs or 0)), touch.requests)
    answers[at] = 1
  else
    answers[at] = json(read(touch.id))
  end
end
return answer('touched', answers)
`;

export const CHANGE = `
local record = read(ask.id)
if not record then return answer('absent') end
if not mayReach(record) then return answer('not-yours') end
if not (${luaSet(SESSION_STATES.filter(isLive))})[record.state] then return answer('absent') end
record.idleTimeoutMs = ask.timeouts.idleTimeoutMs or record.idleTimeoutMs
record.maxLifetimeMs = ask.timeouts.maxLifetimeMs or record.maxLifetimeMs
write(record)
return answer('found', json(record))
`;

export const POSTPONE = `
local record = standing(ask.ref)
if not record or record.forgetAtMs or not STATES[record.state] then return answer('left') end
if record.state == 'creating' then
  record.startDeadlineAtMs = math.max(record.startDeadlineAtMs, now + ask.ms)
  write(record)
else
  write(record, now + ask.ms)
end
return answer('postponed')
`;
