export const FIND = `
return answer(json(read(ask.id)))
`;

export const IS_NAMED = `
local record = ask.id and read(ask.id)
local isNamed = record and not STATES[record.state]
if record and (record.state == 'creating' or record.state == 'ready') then
  isNamed = record.podUid == ask.uid
  if not record.podUid then isNamed = record.generation == ask.generation and record.owner == ask.owner end
end
return answer(isNamed and 1 or 0)
`;

/**
 * A stretch of the index, so that no page holds the server up for long: the sessions in it that pass the filter, and
 * where to go on. The last one shows whether there are more than are wanted.
 */
export const LIST = `
local index = ask.owner and 'sessions:of:' .. ask.owner or 'sessions:index'
local ids = redis.call('ZRANGEBYLEX', index, ask.after and '(' .. ask.after or '-', '+', 'LIMIT', 0, ask.stretch)
local sessions = {}
for _, id in ipairs(ids) do
  local facts = redis.call('HMGET', 'session:' .. id, 'state', 'template', 'owner')
  local isState = facts[1] and facts[1] ~= 'ended'
  if ask.state then isState = facts[1] == ask.state end
  if isState and (not ask.template or facts[2] == ask.template) and (not ask.owner or facts[3] == ask.owner) then
    local record = read(id)
    if record then sessions[#sessions + 1] = json(record) end
  end
  if #sessions == ask.limit then return answer(sessions, id) end
end
return answer(sessions, #ids == ask.stretch and ids[#ids] or false)
`;

/** Records in a state that this version does not know are left to those that do. */
export const DUE = `
forgetSome(100)
local sessions, ghosts, nextAt, from = {}, {}, nil, 0
repeat
  local page = redis.call('ZRANGEBYSCORE', 'sessions:deadlines', '-inf', '+inf', 'WITHSCORES', 'LIMIT', from, ask.limit + 1)
  for at = 1, #page, 2 do
    local id, score = page[at], tonumber(page[at + 1])
    local record = score <= now and read(id)
    if score > now or record and STATES[record.state] and #sessions == ask.limit then
      nextAt = score
      break
    elseif record and STATES[record.state] then
      sessions[#sessions + 1] = json(record)
    elseif not record then
      ghosts[#ghosts + 1] = id
    end
  end
  from = from + ask.limit + 1
until nextAt or #page == 0
for _, id in ipairs(ghosts) do redis.call('ZREM', 'sessions:deadlines', id) end
return answer(sessions, nextAt and text(math.max(0, nextAt - now)) or false)
`;

/** A tombstone whose time is over counts no more, even if nobody has come by yet to take it away. */
export const TALLY = `
local counts = {}
for at, state in ipairs(ask.states) do counts[at] = redis.call('SCARD', 'sessions:in:' .. state) end
local over = redis.call('ZCOUNT', 'sessions:tombstones', '-inf', now)
return answer(redis.call('SCARD', 'sessions:counted'), over, counts)
`;

/** Where the stream of changes stands, and whether the store is usable; asked without memory, too. */
export const POSITION = `
return { now, 0, tonumber(redis.call('GET', 'sessions:published') or 0), remembers and 1 or 0 }
`;
