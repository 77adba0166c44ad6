-- Which frame is shown, and with which matte. Plain arithmetic on frame numbers and times, no OBS in it.
--
-- A frame waits until its own matte has come: the delay, in frames, is the longest way of a matte lately. Where the
-- network makes fewer mattes than there are frames, half their distance is added, and a frame takes the nearest if
-- that is near enough; otherwise only frames with a matte of their own are shown, and stand still between. So what
-- moves never leaves a matte behind that shows the room.
-- With "lowest latency" the newest frame takes the newest matte, which lags behind what moves.

local M = {}
M.__index = M

M.STALE = 0.3          -- seconds without a new matte after which nothing of the source may be drawn
M.NEAR = 0.05          -- seconds between a frame and a matte that is not its own
M.LAGGING = 0.3        -- the same for "lowest latency"
M.CAPACITY = 12        -- frames kept at most
local MATTES = 12      -- mattes kept at most
local REMEMBERED = 60  -- mattes whose way decides on the delay

function M.new()
    return setmetatable({frames = {}, mattes = {}, ways = {}, gaps = {}}, M)
end

-- Takes the oldest entries above a limit out of a list, but none that is in use, and returns them.
local function drop(list, limit, in_use)
    local dropped = {}
    local index = 1
    while #list > limit and index <= #list do
        if in_use(list[index]) then
            index = index + 1
        else
            table.insert(dropped, table.remove(list, index))
        end
    end
    return dropped
end

-- A frame was captured. Returns the frames that are needed no longer.
function M:captured(number, time, picture)
    table.insert(self.frames, {number = number, time = time, picture = picture})
    return drop(self.frames, math.min(M.CAPACITY, self:delay() + 2), function(frame)
        return frame.number == self.awaited or self.shown ~= nil and self.shown.frame == frame
    end)
end

-- The matte of a frame was asked for; the frame is kept until it has come or another one is asked for.
function M:requested(number)
    self.awaited = number
end

local function remember(list, value)
    table.insert(list, value)
    if #list > REMEMBERED then
        table.remove(list, 1)
    end
end

-- The matte of an earlier frame has come. Returns the mattes that are needed no longer: that of a frame from before all
-- was forgotten is one of them, since nobody knows what it shows.
function M:matted(number, now, planes)
    local frame = self:find(self.frames, number)
    if not frame then
        return {{planes = planes}}
    end
    local before = self.mattes[#self.mattes]
    remember(self.ways, self.frames[#self.frames].number + 1 - number)
    if before then
        remember(self.gaps, number - before.number)
    end
    self.arrived = now
    table.insert(self.mattes, {number = number, time = frame.time, planes = planes})
    return drop(self.mattes, MATTES, function(matte)
        return self.shown ~= nil and self.shown.matte == matte
    end)
end

function M:find(list, number)
    for _, entry in ipairs(list) do
        if entry.number == number then
            return entry
        end
    end
end

-- Frames from capture to display.
function M:delay()
    local way, gap = 1, 1
    for _, value in ipairs(self.ways) do
        way = math.max(way, value)
    end
    for _, value in ipairs(self.gaps) do
        gap = math.max(gap, value)
    end
    return math.min(M.CAPACITY - 2, way + math.floor(gap / 2))
end

-- The pair to show now: {frame, matte}; nil where there is none that hides the room.
function M:choose(now, lowest_latency)
    local newest = self.frames[#self.frames]
    if not newest or not self.arrived or now - self.arrived > M.STALE then
        self.shown = nil
        return nil
    end
    local frame, matte
    if lowest_latency then
        frame, matte = newest, self.mattes[#self.mattes]
        if frame.time - matte.time > M.LAGGING then
            frame = nil
        end
    else
        frame, matte = self:in_step(newest.number - self:delay())
    end
    if frame then
        self.shown = {frame = frame, matte = matte, since = now}
    elseif self.shown and now - self.shown.since > M.STALE then
        self.shown = nil
    end
    return self.shown  -- the last pair stands still for a moment where there is no newer one
end

-- The frame of that number with a matte near enough, or the newest one up to it with a matte of its own.
function M:in_step(number)
    local frame = self:find(self.frames, number)
    local near = frame and self:nearest(frame)
    if near and math.abs(frame.time - near.time) <= M.NEAR then
        return frame, near
    end
    for index = #self.mattes, 1, -1 do
        local matte = self.mattes[index]
        local own = matte.number <= number and self:find(self.frames, matte.number)
        if own then
            return own, matte
        end
    end
end

function M:nearest(frame)
    local best
    for _, matte in ipairs(self.mattes) do
        if not best or math.abs(matte.time - frame.time) <= math.abs(best.time - frame.time) then
            best = matte
        end
    end
    return best
end

return M
