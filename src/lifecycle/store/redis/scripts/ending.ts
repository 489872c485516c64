import { mayMove, stateAfter } from './lua.js';

const TERMINATING = `
local function terminating(record, state, endedBy)
  without(record, 'startDeadlineAtMs', 'startNotBeforeMs', 'triedAtMs', 'readyAtMs', 'retryAtMs')
  record.state, record.endedBy = state, endedBy
  write(record)
end
`;

export const REAP = `${TERMINATING}
local record, truth = standing(ask.ref)
if not record or not ${mayMove('reap')} then return moved(truth) end
local reason = now >= expiresAt(record) and 'lifetime' or now >= idleAt(record) and 'idle'
if not reason then return answer('not-due') end
terminating(record, ${stateAfter('reap')}, reason)
return answer('terminating')
`;

export const END = `${TERMINATING}
local record = read(ask.id)
if not record then return answer('absent') end
if not mayReach(record) then return answer('not-yours') end
if ${mayMove('end')} then terminating(record, ${stateAfter('end')}, 'request') end
return answer('found', json(record))
`;

/** With no pod left the tombstone's time begins. */
export const FINISH = `
local record, truth = standing({ id = ask.ref.id, generation = ask.ref.generation })
if not record or not ${mayMove('finish')} then return moved(truth) end
local forgetAt = record.forgetAtMs or ask.pods == 'none' and now + ask.tombstoneMs or nil
if record.state == 'terminating' or forgetAt ~= record.forgetAtMs then
  withoutPod(record)
  record.state, record.forgetAtMs = ${stateAfter('finish')}, forgetAt
  write(record)
end
forgetSome(10)
return answer('ended')
`;
