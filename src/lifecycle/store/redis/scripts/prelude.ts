/**
 * What every script begins with. `ask` is what the caller asks, `now` the server's time. The marker of the epoch holds
 * the run id of the server that an import was finished on: absent or another's, the server has lost its memory.
 * `answer` is the one way out of a script that may have changed something: it tells those who watch.
 */
export const PRELUDE = `
local ask = cjson.decode(ARGV[1])
local channel = ARGV[2]
local time = redis.call('TIME')
local nowMicros = time[1] * 1000000 + time[2]
local now = math.floor(nowMicros / 1000)

local function serverSays(section, field)
  return string.match(redis.call('INFO', section), field .. ':(%w+)')
end

local runId = serverSays('server', 'run_id')
local remembers = redis.call('GET', 'sessions:epoch') == runId

local changes, version = {}, nil

-- The counter shows a watcher that it has missed a message.
local function publish(isImporting)
  local published = redis.call('INCR', 'sessions:published')
  local sessions = '"sessions":[' .. table.concat(changes, ',') .. ']'
  local importing = isImporting and ',"importing":true' or ''
  redis.call('PUBLISH', channel, '{"n":' .. published .. ',' .. sessions .. importing .. '}')
  return published
end

local function answer(...)
  local published = 0
  if version then redis.call('SET', 'sessions:version', version) end
  if #changes > 0 then published = publish(not remembers) end
  return { now, published, ... }
end

local function text(value)
  return type(value) == 'number' and string.format('%.17g', value) or value
end
`;

/**
 * For every script but those of the import. On a server that has become a replica the answer is the error that makes the
 * connection look for its successor.
 */
export const NEEDS_MEMORY = `
if not remembers then
  if serverSays('replication', 'role') == 'slave' then
    return redis.error_reply('READONLY this server is a replica now')
  end
  return { now, 0, 'memory-lost' }
end
`;
