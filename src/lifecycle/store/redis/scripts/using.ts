import { isLive, SESSION_STATES } from '../../../session-states.js';
import { luaSet } from './lua.js';

/** Many sessions in one step; each is answered in the order given. */
export const TOUCH = `
local answers = {}
for at, touch in ipairs(ask.touches) do
  local record, truth = standing(touch)
  if record and record.state == 'ready' then
    record.lastUsedAtMs = math.max(record.lastUsedAtMs, math.floor(now - (touch.idleForMs or 0)))
    record.requests = record.requests + touch.requests
    write(record)
    answers[at] = 1
  else
    answers[at] = json(truth)
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
