"""Every verb but a read, as one atomic script; they do what ``_leases`` does, in the store.

Law: the only place where lease rules stand in Lua. One key's scripts touch one hash tag:

    KEYS[1]  {oob1.SCOPE.DIGEST}.EPOCH  the sealed entry, as one string
    KEYS[2]  {oob1.SCOPE.DIGEST}:l      lease and past of the key: a hash, the same in every epoch
    KEYS[3]  oob1.SCOPE.epoch           given where it may be in another slot (no cluster)
    KEYS[4..] as KEYS[1], in epochs that ended a moment ago: who has not heard of it reads there

Time is the server's. Whatever is written expires. Each script may run twice with the same words
and do its work once: grants, commits and releases by token, the others by their nature. A reply
is (what, the server's time, ...); ``epoch`` means that the caller lives in an older epoch than
the key: nothing was done, learn it and ask again.
What was written more than a second from now was written before the server's clock was set back:
of it, only what is no time holds on. A number that is odd there counts as none.
An epoch is a number that only grows, of the size of a time in ms: it says when it began. Where it
stands, those before it stand behind it, as long as somebody may believe that they last.
What was written is announced as it is written, on the channel oob1.SCOPE.news: "delete DIGEST",
"clear EPOCH", and "set DIGEST WHICH", "commit DIGEST WHICH" or "mark_stale DIGEST WHICH", where
WHICH tells the entry that stands there now (``ports.WHICH_AT``). Whoever may not publish writes
all the same.
"""

from __future__ import annotations

from oob_heal._durations import LONGEST_HELD
from oob_heal.backends._redis_script import Script
from oob_heal.ports import AHEAD_AT_MOST, STALE_MARK_AT, WHICH_AT

PAST_KEPT = 3_600.0  # s for which attempts are remembered after the last of them
ENDED = 4.0  # s after its end for which somebody may still read in an epoch
MOST_ENDED = 8  # epochs that are remembered, of those that ended a moment ago
DIGITS = 15  # of an epoch at most: every number of so many is whole in Lua
LAST_EPOCH = 700_000_000_000_000  # ms, in the year 24,000: what is beyond it is not ours

_TIME = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local function told(seconds) return string.format('%.17g', seconds) end
local function number_at(key)
    local found = redis.pcall('GET', key)
    local word = type(found) == 'string' and string.match(found .. ' ', '^(%d+) ') or ''
    local number = #word <= DIGITS and tonumber(word)
    return number and number <= LAST_EPOCH and number or nil
end
local function absent_in_ended_epochs()
    for i = 4, #KEYS do redis.call('DEL', KEYS[i]) end
end
""".replace("DIGITS", str(DIGITS)).replace("LAST_EPOCH", str(LAST_EPOCH))

_LOAD = (
    _TIME
    + """
local epoch = tonumber(ARGV[1])
local known = KEYS[3] and number_at(KEYS[3])
if known and known > epoch then return {'epoch', told(now), redis.call('GET', KEYS[3])} end
local names = {'token', 'until', 'adopted', 'attempts', 'retry_at', 'granted_at', 'out',
               'granted', 'committed', 'epoch', 'previous', 'written_at'}
local found = redis.pcall('HMGET', KEYS[2], unpack(names))
if found.err then
    redis.call('DEL', KEYS[2])
    found = {}
end
local past = {}
for i, name in ipairs(names) do past[name] = found[i] or '' end
for _, name in ipairs({'until', 'attempts', 'retry_at', 'granted_at', 'epoch', 'written_at'}) do
    local number = tonumber(past[name])
    past[name] = number and number > 0 and number <= LAST_EPOCH and number or 0
end
past.epoch, past.attempts = math.floor(past.epoch), math.floor(past.attempts)
for _, name in ipairs({'until', 'retry_at'}) do
    if past[name] > now + LONGEST_HELD + AHEAD_AT_MOST then past[name] = 0 end
end
if past.written_at > now + AHEAD_AT_MOST then
    for _, name in ipairs(names) do
        if name ~= 'attempts' and name ~= 'committed' and name ~= 'epoch' then past[name] = '' end
    end
    past['until'], past.retry_at, past.granted_at = 0, 0, 0
end
if past.epoch > epoch then
    return {'epoch', told(now), string.format('%.0f', past.epoch)}
end
local cleared = past.epoch < epoch and past.token ~= ''
if cleared then
    if past['until'] * 1000 > epoch then past.out = '' end
    past.token = ''
end
local held = past.token ~= '' and now < past['until']
local function save()
    past.epoch, past.written_at = epoch, now
    local words, blanks = {}, {}
    for _, name in ipairs(names) do
        if past[name] == '' or past[name] == 0 then
            blanks[#blanks + 1] = name
        else
            words[#words + 1] = name
            words[#words + 1] = past[name]
        end
    end
    local kept = math.max(now, past.retry_at, past['until']) - now + PAST_KEPT
    local done = redis.pcall('HSET', KEYS[2], unpack(words))
    if type(done) == 'table' then return done end
    redis.call('HDEL', KEYS[2], unpack(blanks))
    redis.call('PEXPIRE', KEYS[2], math.ceil(kept * 1000))
end
if cleared then save() end -- at the next clear nobody could tell when this one was
local function forget(committed, retry_at)
    past = {committed = committed, retry_at = retry_at, ['until'] = 0}
    for _, name in ipairs(names) do past[name] = past[name] or '' end
end
local function announce(what, entry)
    local scope, digest = string.match(KEYS[2], '^{oob1%.([^.]+)%.([^}]+)}:l$')
    local words = {what, digest}
    if entry then
        local which = string.sub(entry, MARK, MARK) .. string.sub(entry, WHICH)
        words[3] = string.gsub(which, '.', function(c) return string.format('%02x', c:byte()) end)
    end
    redis.pcall('PUBLISH', 'oob1.' .. scope .. '.news', table.concat(words, ' '))
end
local function void()
    if held then
        past.token = ''
        past.out = ''
        if save() then redis.call('DEL', KEYS[2]) end -- no memory: void all the same
    end
end
""".replace("PAST_KEPT", str(PAST_KEPT))
    .replace("AHEAD_AT_MOST", str(AHEAD_AT_MOST))
    .replace("LONGEST_HELD", str(LONGEST_HELD))
    .replace("LAST_EPOCH", str(LAST_EPOCH))
    .replace("MARK", str(STALE_MARK_AT + 1))
    .replace("WHICH", f"{WHICH_AT.start + 1}, {WHICH_AT.stop}")
)

_ACQUIRE = """
local token, lease_for, adopt, force = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5] == '1'
local function granted()
    return {'granted', told(now), past.token, told(past.granted_at), told(past['until']),
            string.format('%d', past.attempts), past.previous}
end
if held and past.token == token then return granted() end
if held and string.sub(past.token, 1, 1) == 'w' and adopt ~= '' and adopt ~= 'waits' then
    adopt = past.token -- as _tokens says: a lease that waits is any event's
end
if held and (adopt == '' or adopt ~= past.token or past.adopted ~= '') then
    return {'held', told(now), told(past['until'])}
end
if not held and now < past.retry_at and not force then
    return {'backing off', told(now), told(past.retry_at)}
end
past.adopted, past.previous = '', ''
if not held and past.out ~= '' and string.sub(past.granted, 1, 1) == 'w' then
    past.out, past.attempts = '', math.max(0, past.attempts - 1) -- it waited: no crash
end
if held then
    past.adopted = '1'
else
    if past.out ~= '' then past.previous = told(past.granted_at) end
    past.attempts = past.attempts + 1
end
past.token, past.granted, past.out = token, token, '1'
past.granted_at, past['until'] = now, now + lease_for
return save() or granted()
"""

_COMMIT = """
local token, keep_for = ARGV[2], tonumber(ARGV[3])
if not held or past.token ~= token then
    return {past.committed == token and 'done' or 'void', told(now)}
end
absent_in_ended_epochs()
if ARGV[4] then
    redis.call('SET', KEYS[1], ARGV[4], 'PX', math.ceil(keep_for * 1000))
    forget(token, 0)
else
    redis.call('DEL', KEYS[1])
    forget(token, now + keep_for)
end
announce(ARGV[4] and 'commit' or 'delete', ARGV[4])
return save() or {'done', told(now)}
"""

_RELEASE = """
local token, retry_after = ARGV[2], tonumber(ARGV[3])
if past.granted ~= token then return {'void', told(now)} end
past.token, past.granted, past.out = '', '', ''
if retry_after > 0 then
    past.retry_at = now + retry_after
else
    past.attempts = math.max(0, past.attempts - 1)
end
return save() or {'done', told(now)}
"""

_SET = """
absent_in_ended_epochs()
redis.call('SET', KEYS[1], ARGV[3], 'PX', math.ceil(tonumber(ARGV[2]) * 1000))
if past.committed == '' then
    redis.call('DEL', KEYS[2])
else
    forget(past.committed, 0)
    save()
end
announce('set', ARGV[3])
return {'done', told(now)}
"""

_DELETE = """
void()
absent_in_ended_epochs()
redis.call('DEL', KEYS[1])
announce('delete')
return {'done', told(now)}
"""

_MARK_STALE = """
void()
absent_in_ended_epochs()
local length = redis.pcall('STRLEN', KEYS[1])
if type(length) ~= 'number' then
    redis.call('DEL', KEYS[1])
elseif length > tonumber(ARGV[2]) then
    redis.call('SETRANGE', KEYS[1], ARGV[2], string.char(1))
end
local there = redis.pcall('GETRANGE', KEYS[1], 0, 63)
announce('mark_stale', type(there) == 'string' and #there > 0 and there or nil)
return {'done', told(now)}
"""

# KEYS[1] alone, the scope's epoch. ARGV: the least that it is known to be, seconds to keep it.
_EPOCH = (
    _TIME
    + """
local least, milliseconds = tonumber(ARGV[1]), math.floor(now * 1000)
local found = redis.pcall('GET', KEYS[1])
local line = type(found) == 'string' and found or ''
local number = number_at(KEYS[1])
if number == nil then
    number = math.max(least > 0 and least + 1 or 0, milliseconds)
end
"""
)
_KEEP_EPOCH = (
    """
local ended, after, count = '', number, 0
for old in string.gmatch(line, '%d+') do
    local began = tonumber(old)
    if after < milliseconds - ENDED * 1000 or count == MOST_ENDED then break end
    if #old <= DIGITS and began < after then
        ended, after, count = ended .. ' ' .. old, began, count + 1
    end
end
line = string.format('%.0f', number) .. ended
redis.call('SET', KEYS[1], line, 'PX', math.ceil(tonumber(ARGV[2]) * 1000))
""".replace("MOST_ENDED", str(MOST_ENDED))
    .replace("ENDED", str(ENDED))
    .replace("DIGITS", str(DIGITS))
)
_ANNOUNCE_CLEAR = """
local channel = string.gsub(KEYS[1], 'epoch$', 'news')
redis.pcall('PUBLISH', channel, 'clear ' .. string.format('%.0f', number))
"""
_TELL_EPOCH = """
return {'done', told(now), line}
"""
_LEARN = _EPOCH + "number = math.max(number, least)\n" + _KEEP_EPOCH + _TELL_EPOCH
_NEXT = "number = math.max(number + 1, least + 1, milliseconds)\n"
_CLEAR = _EPOCH + _NEXT + _KEEP_EPOCH + _ANNOUNCE_CLEAR + _TELL_EPOCH


ACQUIRE = Script(_LOAD + _ACQUIRE)
COMMIT = Script(_LOAD + _COMMIT)
RELEASE = Script(_LOAD + _RELEASE)
SET = Script(_LOAD + _SET)
DELETE = Script(_LOAD + _DELETE)
MARK_STALE = Script(_LOAD + _MARK_STALE)
LEARN = Script(_LEARN)
CLEAR = Script(_CLEAR)
