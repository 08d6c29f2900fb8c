-- Random files against a model of what the tables must hold (tests/model). The seed is fixed here;
-- `make model` tries others, and more of them:
--
--   MODEL_SEED first seed  MODEL_ROUNDS how many  MODEL_STREAMS a round  MODEL_TO sqlite|postgres
local target = require "tests.support.target"
local world = require "tests.model.world"

local seed = tonumber(os.getenv "MODEL_SEED") or 20261129
local rounds = tonumber(os.getenv "MODEL_ROUNDS") or 1
local count = tonumber(os.getenv "MODEL_STREAMS") or 23
local make = os.getenv "MODEL_TO" == "postgres" and target.list[3] or target.list[1]

describe("random files into " .. make.name, function()
  for s = seed, seed + rounds - 1 do
    it(("end as the model says, seed %d"):format(s), function()
      world.check(s, make.fresh(), count, 5)
    end)
  end
end)
