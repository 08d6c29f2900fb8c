-- Pages that differ from each other: in their columns, in their format, in what is wrong with them.
local api = require "tests.support.api"
local host = require "tests.support.host"
local http = require "tests.support.http"
local target = require "tests.support.target"

local SCENARIO = [[
local pages = {
  ["/v1/a"] = "id,v\n1,a\n2,b\n", ["/v1/b"] = "v,id\nc,3\nd,4\n", ["/v1/c"] = "w,id,x\nX,5,Y\n",
  ["/v1/bad"] = "no\nnot\n", ["/v1/worse"] = "none\nnothing\n",
  ["/v1/lines"] = '{"v":"l","id":6}\n', ["/v1/head"] = "id,v\n",
}
return function(r, c) c:reply(200, nil, pages[r.path]) end
]]

target.each(function(name, fresh)
  describe("pages into " .. name, function()
    local server
    setup(function() server = http.start(SCENARIO) end)
    teardown(function() server:stop() end)

    local function run(body)
      local to = fresh()
      local folder = api.project(server, ([[
        t = { table = "t", key = "id", max_dead = 100, extract = function(ctx) %s end }]])
        :format(body))
      return host.run(folder, to), to
    end
    local function rows(to)
      return to:sql("select id || coalesce(v, '-') from " .. to:name "t" .. " order by id")
        :gsub("\n", " ")
    end

    it("have their columns in an order of their own", function()
      local result, to = run [[
        for _, page in ipairs { "a", "b", "head", "c", "a" } do
          ctx:emit(ctx:get(page):rows { format = "csv" }, { again = true })
        end
        ctx:emit(ctx:get "lines":rows { format = "jsonl" })
        ctx:emit(ctx:get "b":rows { format = "csv" }, { again = true })]]
      assert.equal(0, result.code, tostring(result))
      assert.equal("1a 2b 3c 4d 5- 6l", (rows(to)))
      assert.equal("X Y", (to:sql("select w || ' ' || x from " .. to:name "t" .. " where id = 5")))
    end)

    it("may have nothing but dead rows", function()
      local result, to = run [[
        ctx:emit(ctx:get "bad":rows { format = "jsonl" })
        ctx:emit(ctx:get "a":rows { format = "csv" })
        ctx:emit(ctx:get "worse":rows { format = "jsonl" })
        ctx:emit(ctx:get "lines":rows { format = "jsonl" })]]
      assert.equal(0, result.code, tostring(result))
      assert.equal("1a 2b 6l", (rows(to)))
      assert.equal("4", (to:sql("select count(*) from " .. to:book "dead_rows")))
    end)

    -- Never null, nor a replacement character.
    it("that a script makes are dead where they say what no table can hold", function()
      local result, to = run [[
        for i, v in ipairs { 0 / 0, math.huge, -math.huge, "\xff", "a\0b", { "\xc3" }, 2^53,
          "ü" } do
          ctx:emit { { id = i, v = v }, { id = 100 + i, v = "beside" } }
        end]]
      assert.equal(0, result.code, tostring(result))
      assert.equal("7|9007199254740992.0\n8|ü", (to:sql("select id, v from " .. to:name "t"
        .. " where id < 100 order by id")))
      assert.equal("8", (to:sql("select count(*) from " .. to:name "t" .. " where v = 'beside'")))
      assert.equal("6", (to:sql("select count(*) from " .. to:book "dead_rows")))
    end)
  end)
end)
