import { ARRIVAL_MS, LONGEST_TOUCH_WINDOW_MS, STEADY_AFTER_MS } from '../../../deadlines.js';

/** The same as `lifecycle/deadlines.ts`, where each is explained; random sequences hold the two together. */
export const DEADLINES = `
local LONGEST_TOUCH_WINDOW = ${LONGEST_TOUCH_WINDOW_MS}

local function touchWindow(record)
  return math.min(LONGEST_TOUCH_WINDOW, record.idleTimeoutMs / 4)
end

local function arrivedAt(record)
  if record.state ~= 'ready' or not record.readyAtMs then return 0 end
  return record.readyAtMs + math.min(${ARRIVAL_MS}, touchWindow(record))
end

local function idleAt(record)
  local failedAt = record.state == 'failed' and record.lastFailureAtMs or 0
  return math.max(math.max(record.lastUsedAtMs, failedAt) + record.idleTimeoutMs, arrivedAt(record))
end

local function expiresAt(record)
  if record.maxLifetimeMs == 0 then return math.huge end
  return math.max(record.openedAtMs + record.maxLifetimeMs, arrivedAt(record))
end

local function dueAt(record)
  if record.state == 'creating' then return record.startDeadlineAtMs end
  if record.state == 'ready' or record.state == 'failed' then return math.min(idleAt(record), expiresAt(record)) end
  if record.state == 'terminating' then return record.lastUsedAtMs end
  return not record.forgetAtMs and record.lastUsedAtMs or nil
end

local function isSteady(record)
  return record.state == 'ready' and record.readyAtMs and now - record.readyAtMs >= ${STEADY_AFTER_MS}
end
`;
