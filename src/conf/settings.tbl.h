/* SPDX-License-Identifier: Apache-2.0
 * Every setting of the configuration file, one row each. Parser, checker, defaults, `--effective` and documentation are
 * derived from these rows; conf.h makes the members of struct conf from them. No include guard: included many times.
 *
 * SETTING: path is where the setting stands in the file. member is the field of struct conf. The kinds, with the meaning
 * of min and max and the C type of the member:
 *   YES_NO     bool            yes no on off true false (min, max unused)
 *   COUNT      uint32_t        a decimal number from min to max
 *   SIZE       uint64_t        bytes, with K, M or G (1024-based), from min to max
 *   DURATION   uint32_t        milliseconds; written 500ms 30s 5m 2h 7d 1w, a bare number is seconds; min and max in ms
 *   TEXT       const char *    min to max bytes of UTF-8 without control characters; the word `off` is NULL
 *   HOST_TEXT  const char *    TEXT, and the word `hostname` is this machine's name
 *   PATH       const char *    TEXT without `off`; a relative path starts at the configuration file's directory
 *   LISTEN     struct conf_listens   one entry or a list of min to max entries: ADDRESS, ADDRESS@PORT or {address: ...};
 *                              the default's entries are separated by blanks
 *   LEVEL FORM TARGET          enum log_level, enum log_form, enum conf_log_target: a word of that list
 *
 * ENTRY: the same inside each entry of a list or map, so without a default: member and place are fields of the struct that
 * one entry fills. The kind ADDRESS fills a struct conf_listen.
 *
 * LATER: a place that the design has and this version does not: refused as "not supported yet". `*` stands for one name. */

/*      path                                    member                       kind       default           min      max       what it is */
#ifdef SETTING
SETTING("server.listen",                        listen,                      LISTEN,    "0.0.0.0 ::",     1,       256,
        "addresses to answer on, port 53 unless @PORT is given")
SETTING("server.identity",                      identity,                    HOST_TEXT, "off",            1,       255,
        "who answers: NSID, id.server and hostname.bind; `hostname` is the machine's name, `off` tells nothing")
SETTING("server.version",                       version,                     TEXT,      "off",            1,       255,
        "text for version.bind and version.server; `off` tells nothing")
SETTING("server.user",                          user,                        TEXT,      "off",            1,       64,
        "user to become after the sockets are open when started as root; `off` stays")
SETTING("server.state-dir",                     state_dir,                   PATH,      "/var/lib/reeve", 1,       4000,
        "the one directory that is written to (reserved: nothing is kept there yet)")
SETTING("server.minimal-responses",             minimal_responses,           YES_NO,    "yes",            0,       1,
        "leave out what a resolver does not need: NS records beside an answer, additional addresses of MX, SRV and the like")
SETTING("server.udp-size",                      udp_size,                    COUNT,     "1232",           512,     4096,
        "largest UDP answer in bytes; a longer one is truncated")
SETTING("server.edns-size",                     edns_size,                   COUNT,     "1232",           512,     4096,
        "UDP payload size in bytes that our OPT records announce")
SETTING("server.limits.tcp-connections",        tcp_connections,             COUNT,     "10000",          1,       1000000,
        "TCP connections in all")
SETTING("server.limits.tcp-connections-per-address", tcp_connections_per_address, COUNT, "250",           1,       1000000,
        "TCP connections of one client address")
SETTING("server.limits.tcp-idle",               tcp_idle_ms,                 DURATION,  "10s",            100,     86400000,
        "close a TCP connection on which nothing is under way for so long (RFC 7766 s6.2.3)")
SETTING("server.limits.tcp-first-byte",         tcp_first_byte_ms,           DURATION,  "3s",             100,     3600000,
        "close a new TCP connection that has sent nothing for so long")
SETTING("server.limits.tcp-message",            tcp_message_ms,              DURATION,  "5s",             100,     3600000,
        "time for one whole message to come in, and for unsent answers to make progress")
SETTING("server.limits.tcp-pipeline",           tcp_pipeline,                COUNT,     "128",            1,       65536,
        "requests in flight on one TCP connection before we stop reading")
SETTING("server.limits.tcp-unsent",             tcp_unsent,                  SIZE,      "256K",           131072,  67108864,
        "bytes of answers unsent on one TCP connection before we stop reading")
SETTING("server.limits.udp-receive-buffer",     udp_receive_buffer,          SIZE,      "4M",             65536,   1073741824,
        "receive buffer asked of the kernel for each UDP socket")
SETTING("server.limits.nsec3-iterations",       nsec3_iterations,            COUNT,     "100",            0,       2500,
        "a zone with more NSEC3 iterations is served without its NSEC3 proofs, with a warning (RFC 9276)")
SETTING("server.limits.cname-chain",            cname_chain,                 COUNT,     "16",             1,       128,
        "CNAME and DNAME steps put into one answer; a resolver asks on from there")
SETTING("server.limits.zone-records-max",       zone_records_max,            COUNT,     "0",              0,       4294967295,
        "a zone with more records does not load; 0 is no limit")
SETTING("server.limits.load-threads",           load_threads,                COUNT,     "2",              1,       64,
        "helper threads that load zones")
SETTING("log.level",                            log_level,                   LEVEL,     "info",           0,       0,
        "least level kept: error, warning, notice, info or debug")
SETTING("log.form",                             log_form,                    FORM,      "logfmt",         0,       0,
        "how a line looks: logfmt or json")
SETTING("log.to",                               log_to,                      TARGET,    "stderr",         0,       0,
        "where lines go: stderr or journal")
#endif

/*    path                       struct       member   place     kind     min  max   what it is */
#ifdef ENTRY
ENTRY("server.listen.*.address", conf_listen, address, at,       ADDRESS, 1,   256,
      "ADDRESS or ADDRESS@PORT")
ENTRY("zones.*.file",            conf_zone,   file,    file_at,  PATH,    1,   4000,
      "the zone file (RFC 1035 s5); it is read, never written")
#endif

/*    path */
#ifdef LATER
LATER("control")
LATER("metrics")
LATER("keys")
LATER("remotes")
LATER("tls")
LATER("policies")
LATER("templates")
LATER("views")
LATER("server.listen.*.tls")
LATER("zones.*.type")
LATER("zones.*.template")
LATER("zones.*.soa")
LATER("zones.*.primaries")
LATER("zones.*.secondaries")
LATER("zones.*.wait-secondaries")
LATER("zones.*.notify")
LATER("zones.*.transfer")
LATER("zones.*.updates")
LATER("zones.*.protect")
LATER("zones.*.dnssec")
LATER("zones.*.policy")
LATER("zones.*.catalog")
LATER("zones.*.auto-ptr")
LATER("zones.*.strict")
#endif
