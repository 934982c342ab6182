-- Sends the requests of a file one after the other. They are written out in full, each ended
-- by a zero byte; `{key}` becomes an Idempotency-Key that was never sent before. A third
-- argument is the status of a refusal, which is counted and no failure.

local heads, tails, prefix, sent = {}, {}, "", 0
local threads = {}
refused = 0

function setup(thread)
  threads[#threads + 1] = thread
end

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  prefix = arguments[2]
  if arguments[3] then
    local refusal = tonumber(arguments[3])
    function response(status)
      refused = refused + (status == refusal and 1 or 0)
    end
  end
  for request in file:read("*a"):gmatch("(%Z+)%z") do
    local from, to = request:find("{key}", 1, true)
    heads[#heads + 1] = from and request:sub(1, from - 1) or request
    tails[#tails + 1] = from and request:sub(to + 1) or false
  end
  file:close()
end

function request()
  local turn = sent % #heads + 1
  sent = sent + 1
  if not tails[turn] then
    return heads[turn]
  end
  return heads[turn] .. prefix .. string.format("%016x", sent) .. tails[turn]
end

function done(summary, latency)
  local errors, refusals = summary.errors, 0
  for _, thread in ipairs(threads) do
    refusals = refusals + thread:get("refused")
  end
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f,'
      .. ' "failed": %d, "refused": %d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout - refusals,
    refusals
  ))
end
