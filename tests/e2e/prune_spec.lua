-- `etlhost prune`: what is old and settled goes; what keeps files from being loaded twice stays.
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local target = require "tests.support.target"

for _, make in ipairs { target.list[1], target.list[2] } do
  describe("prune with " .. make.name, function()
    local project, to
    local function etlhost(...) return host.etlhost({ ... }, { cwd = project }) end
    local function ok(...)
      local result = etlhost(...)
      assert.equal(0, result.code, tostring(result))
      return result
    end
    local function configure(more)
      files.write(project .. "/config/etlhost.yaml", ("version: 1\nconnections:\n"
        .. "  here: { url: %q }\ndefaults:\n  destination: { connection: here }\n%s"):format(
          to.url, more or ""))
    end
    local function count(book, where)
      return tonumber(to:sql(("select count(*) from %s %s"):format(to:book(book),
        where and "where " .. where or "")))
    end
    -- All that has a time in the bookkeeping becomes so many days older.
    local function age(days)
      for _, column in ipairs {
        { "dead_rows", "created_at" }, { "dead_rows", "resolved_at" }, { "loads", "finished_at" },
        { "loads", "started_at" }, { "runs", "heartbeat_at" }, { "units", "committed_at" },
      } do
        local older = to.kind == "postgres" and "%s - interval '%d days'"
          or "strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', %s, '-%d days')"
        to:sql(("update %s set %s = %s"):format(to:book(column[1]), column[2],
          older:format(column[2], days)))
      end
    end

    before_each(function()
      to = make.fresh()
      project = host.project {
        exports = { ["orders/1.csv"] = "id,v\n1,a\n2\n3\n4\n" },
        pipeline = 'return require "etl.pipeline" { s3_exports = { orders = { table = "t" } } }\n',
      }
      configure()
      ok("run", "pipelines/p.lua")
      ok("dead", "discard", to:sql("select min(dead_id) from " .. to:book "dead_rows"))
    end)

    it("forgets what is old and settled, and nothing is loaded twice", function()
      ok("run", "pipelines/p.lua")
      ok("run", "pipelines/p.lua")
      assert.equal("3 1 3", ("%d %d %d"):format(count "loads", count("dead_rows",
        "status = 'discarded'"), count "dead_rows"))
      ok "prune"
      assert.equal(3, count "loads")
      age(401)
      local dry = ok("prune", "--dry-run").out
      assert.matches("resolved or discarded +180 days +1\n", dry)
      assert.matches("open +for ever +0\n", dry)
      assert.matches("loaded nothing +400 days +1\n", dry)
      assert.equal("3 3", ("%d %d"):format(count "loads", count "dead_rows"))
      assert.matches("loaded nothing +400 days +1\n", ok("prune").out)
      -- The load that has rows stays, and the latest one; open dead rows stay for ever.
      assert.equal("2 2 1", ("%d %d %d"):format(count "loads", count "dead_rows", count "units"))
      ok("run", "pipelines/p.lua")
      assert.equal(1, to:count "t")
      assert.equal(0, count("dead_rows", "status <> 'dead'"))
      -- The rows of a table that was taken over point to the load that did it.
      if to.kind == "postgres" then
        to:sql [[insert into _etl.adoptions (stream_id, client_id, load_id, table_schema,
          table_name, made_stream, relaxed)
          select stream_id, client_id, max(load_id), 'etl', 't', true, '{}'
          from _etl.loads group by stream_id, client_id]]
        ok("run", "pipelines/p.lua")
        age(401)
        ok "prune"
        assert.equal(1, count("loads", "load_id in (select load_id from _etl.adoptions)"))
      end
    end)

    it("forgets open dead rows only where that is said", function()
      age(31)
      ok "prune"
      assert.equal(3, count "dead_rows")
      configure "keep: { open_dead_rows: 30d }\n"
      ok "prune"
      assert.equal(1, count "dead_rows")
      configure "keep: { open_dead_rows: 30d, settled_dead_rows: 30d }\n"
      ok "prune"
      assert.equal(0, count "dead_rows")
    end)

    it("is done by a run at its end, once a day", function()
      age(200)
      ok("run", "pipelines/p.lua") -- the first run of the day has looked already
      assert.equal(3, count "dead_rows")
      local path = project .. "/.etlhost/catalog.db"
      process.must { "sqlite3", path, "update prunes set at = at - 90000000000" }
      local result = ok("run", "pipelines/p.lua")
      assert.matches("pruned: 1 resolved or discarded dead row", result.err, 1, true)
      assert.equal(2, count "dead_rows")
      process.must { "sqlite3", path, "update runs set started_at = 1, finished_at = 1" }
      assert.matches("runs in the catalog +90 days +3\n", ok("prune").out)
      assert.matches("runs in the catalog +90 days +0\n", ok("prune").out)
    end)

    it("refuses settings that it does not know, and times that are too short", function()
      for word, says in pairs {
        ["keep: { units: 90d }\n"] = "why nothing is loaded twice",
        ["keep: { loads: 5m }\n"] = "out of range",
        ["retention: 90d\n"] = "the word here is `keep`",
      } do
        configure(word)
        local result = etlhost "prune"
        assert.equal(host.exit.config, result.code, tostring(result))
        assert.matches(says, result.err, 1, true)
      end
    end)
  end)
end
