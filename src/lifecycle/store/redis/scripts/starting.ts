import { RETRY_START_AFTER_MS } from '../../session-store.js';
import { mayMove, stateAfter } from './lua.js';

export const TRY_START = `
local record, truth = standing(ask.ref)
if not record or record.state ~= 'creating' or record.podUid then return moved(truth) end
local retryAt = record.triedAtMs and record.triedAtMs + ${RETRY_START_AFTER_MS} or 0
local earliest = math.max(record.startNotBeforeMs or 0, retryAt)
if earliest > now then return answer('wait', text(earliest - now)) end
record.triedAtMs = now
write(record)
return answer('start')
`;

export const NAME_POD = `
local record, truth = standing(ask.ref)
if not record or record.state ~= 'creating' then return moved(truth) end
if record.podUid == ask.pod.uid then return answer('named') end
if record.podUid then return moved(truth) end
record.podName, record.podUid, record.podNode = ask.pod.name, ask.pod.uid, ask.pod.node
write(record)
return answer('named')
`;

/** Being started for its opening is use; being healed is not. */
export const MARK_READY = `
-- How long the address may not be given to this session; a holder that does not name it has let go of it unseen.
local function heldFor(held, id)
  local holder = redis.call('HGET', 'sessions:addresses', held)
  if not holder or holder == id then return 0 end
  local letGoAt = redis.call('ZSCORE', 'sessions:addresses-let-go', held)
  if letGoAt then return math.max(0, tonumber(letGoAt) - now) end
  local named = redis.call('HMGET', 'session:' .. holder, 'state', 'podAddress')
  if named[1] ~= 'ready' or named[2] ~= held then
    redis.call('ZADD', 'sessions:addresses-let-go', now + LONGEST_TOUCH_WINDOW, held)
  end
  return LONGEST_TOUCH_WINDOW
end

local record, truth = standing(ask.ref)
if not record or not ${mayMove('markReady')} or not record.podUid then return moved(truth) end
local held = heldFor(ask.address, record.id)
if held > 0 then return answer('held', text(held)) end
without(record, 'startDeadlineAtMs', 'startNotBeforeMs', 'triedAtMs')
record.state = ${stateAfter('markReady')}
record.podAddress, record.readyAtMs = ask.address, now
if record.heals == 0 then record.lastUsedAtMs = now end
write(record)
return answer('ready')
`;

export const REPLACE = `
local record, truth = standing(ask.ref)
if not record or not ${mayMove('replace')} then return moved(truth) end
if isSteady(record) then record.heals, record.crashes, record.failures = 0, 0, 0 end
record.heals = record.heals + 1
if ask.death.crashed then record.crashes = record.crashes + 1 end
without(withoutPod(record), 'readyAtMs', 'triedAtMs')
record.state = ${stateAfter('replace')}
record.generation = record.generation + 1
record.lastFailureReason, record.lastFailureMessage, record.lastFailureAtMs = ask.death.reason, ask.death.message, now
record.startNotBeforeMs = now + ask.startAfterMs
record.startDeadlineAtMs = record.startDeadlineAtMs or now + ask.startAfterMs + ask.startTimeoutMs
write(record)
return answer('replaced', json(record))
`;

export const FAIL = `
local record, truth = standing(ask.ref)
if not record or not ${mayMove('fail')} then return moved(truth) end
without(withoutPod(record), 'startDeadlineAtMs', 'startNotBeforeMs', 'triedAtMs')
record.state = ${stateAfter('fail')}
record.failures = record.failures + 1
record.lastFailureReason, record.lastFailureMessage, record.lastFailureAtMs = ask.failure.reason, ask.failure.message, now
record.retryAtMs = now + ask.backOffMs
write(record)
return answer('failed')
`;
