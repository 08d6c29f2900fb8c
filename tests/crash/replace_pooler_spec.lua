require "tests.crash.replace" (require "tests.support.target".list[4], {
  "stage.make", "commit.sent:4", "promote.judged", "promote.done",
}, describe, it, setup)
