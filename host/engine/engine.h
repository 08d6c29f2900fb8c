/* engine/engine.h: the process of one run. It answers the jail's requests with io and load.
 *
 * One specification in, events out, no Lua. The engine holds the secrets and the database
 * connections, so it believes nothing that the jail sends: every frame is checked for its
 * state, its kinds and its names. Floor 4. */
#ifndef EH_ENGINE_ENGINE_H
#define EH_ENGINE_ENGINE_H

/* The role `etlhost --engine`: descriptor 3 brings frames from the supervisor, descriptor 4
 * takes events. Gives the exit code: 0 when the run did all it should. */
int eh_engine_main(void);

#endif
