/* SPDX-License-Identifier: Apache-2.0
 * The statements of a connection, prepared when it is opened. Nothing else is ever asked of the
 * database but schema.c's and sql.c's pragmas. */

/*   name                     SQL */
STMT(STMT_BEGIN, "BEGIN IMMEDIATE")
STMT(STMT_COMMIT, "COMMIT")
STMT(STMT_ROLLBACK, "ROLLBACK")
STMT(STMT_PROBE, "UPDATE meta SET value = value + 1 WHERE key = 'probe'")

STMT(STMT_ZONE_BY_NAME, "SELECT " ZONE_COLUMNS " FROM zone WHERE name = ?1")
STMT(STMT_ZONE_BY_ID, "SELECT " ZONE_COLUMNS " FROM zone WHERE id = ?1")
STMT(STMT_ZONE_AFTER, "SELECT " ZONE_COLUMNS " FROM zone WHERE id > ?1 ORDER BY id LIMIT 1")
STMT(STMT_ZONE_LAST, "SELECT ifnull(max(id), 0) FROM zone")
STMT(STMT_ZONE_PUT, "INSERT OR REPLACE INTO zone(" ZONE_COLUMNS ")"
                    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")
STMT(STMT_SOURCE_GET, "SELECT identity, base, sum FROM source WHERE zone = ?1")
STMT(STMT_SOURCE_PUT,
     "INSERT OR REPLACE INTO source(zone, identity, sum, base) VALUES(?1, ?2, ?3, ?4)")
STMT(STMT_SOURCE_DELETE, "DELETE FROM source WHERE zone = ?1")
STMT(STMT_CHECKED_GET, "SELECT checked_us, expire_s, sum FROM checked WHERE zone = ?1")
STMT(STMT_CHECKED_PUT,
     "INSERT OR REPLACE INTO checked(zone, checked_us, expire_s, sum) VALUES(?1, ?2, ?3, ?4)")

STMT(STMT_CHANGE_PUT, "INSERT INTO change(zone, " CHANGE_COLUMNS ")"
                      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)")
STMT(STMT_CHANGE_HEAD,
     "SELECT seq, serial_to FROM change WHERE zone = ?1 ORDER BY seq DESC LIMIT 1")
STMT(STMT_CHANGE_FIRST, "SELECT seq, time_us FROM change WHERE zone = ?1 ORDER BY seq LIMIT 1")
STMT(STMT_CHANGE_GET, "SELECT seq FROM change WHERE zone = ?1 AND seq = ?2")
STMT(STMT_CHANGES_UP,
     "SELECT " CHANGE_COLUMNS " FROM change WHERE zone = ?1 AND seq >= ?2 AND seq <= ?3"
     " ORDER BY seq")
STMT(STMT_CHANGES_DOWN,
     "SELECT " CHANGE_COLUMNS " FROM change WHERE zone = ?1 AND seq >= ?2 AND seq <= ?3"
     " ORDER BY seq DESC")
STMT(STMT_CHANGE_SERIALS, "SELECT seq, serial_to FROM change WHERE zone = ?1 AND seq <= ?2"
                          " ORDER BY seq DESC LIMIT ?3")
STMT(STMT_CHANGE_SIZES_UP, "SELECT seq, length(diff), serial_from, serial_to, time_us FROM change"
                           " WHERE zone = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3")
STMT(STMT_CHANGE_TIMES_UP,
     "SELECT seq, time_us FROM change WHERE zone = ?1 ORDER BY seq LIMIT ?2")
STMT(STMT_CHANGE_DELETE, "DELETE FROM change WHERE zone = ?1 AND seq = ?2")
STMT(STMT_CHANGE_DELETE_BEYOND, "DELETE FROM change WHERE zone = ?1 AND seq > ?2")

STMT(STMT_LEASE_GET, "SELECT expires_us, lease_s, sum FROM lease WHERE zone = ?1 AND record = ?2")
STMT(STMT_LEASE_PUT, "INSERT OR REPLACE INTO lease(zone, record, expires_us, lease_s, sum)"
                     " VALUES(?1, ?2, ?3, ?4, ?5)")
STMT(STMT_LEASE_DELETE, "DELETE FROM lease WHERE zone = ?1 AND record = ?2")
STMT(STMT_LEASES_AFTER, "SELECT record, expires_us, lease_s, sum FROM lease"
                        " WHERE zone = ?1 AND record > ?2 ORDER BY record LIMIT ?3")

STMT(STMT_SNAPSHOT_BEGIN, "INSERT INTO snapshot(zone, state) VALUES(?1, " SNAPSHOT_BUILDING ")")
STMT(STMT_SNAPSHOT_PUT, "INSERT INTO snapshot(id, zone, state) VALUES(?1, ?2, " SNAPSHOT_VALID ")")
STMT(STMT_SNAPSHOT_STATE, "SELECT state, zone FROM snapshot WHERE id = ?1")
STMT(STMT_SNAPSHOT_SET, "UPDATE snapshot SET state = ?2 WHERE id = ?1")
STMT(STMT_SNAPSHOT_ABANDON, "UPDATE snapshot SET state = " SNAPSHOT_GARBAGE
                            " WHERE zone = ?1 AND state = " SNAPSHOT_BUILDING)
STMT(STMT_SNAPSHOT_ABANDON_ALL,
     "UPDATE snapshot SET state = " SNAPSHOT_GARBAGE " WHERE state = " SNAPSHOT_BUILDING)
STMT(STMT_SNAPSHOT_BUILDING_ANY,
     "SELECT id FROM snapshot WHERE state = " SNAPSHOT_BUILDING " LIMIT 1")
STMT(STMT_SNAPSHOT_GARBAGE_ANY,
     "SELECT id FROM snapshot WHERE state = " SNAPSHOT_GARBAGE " LIMIT 1")
STMT(STMT_SNAPSHOT_DELETE, "DELETE FROM snapshot WHERE id = ?1")
STMT(STMT_PART_PUT, "INSERT OR REPLACE INTO part(snapshot, part, sum, rrs) VALUES(?1, ?2, ?3, ?4)")
STMT(STMT_PART_GET, "SELECT sum, rrs FROM part WHERE snapshot = ?1 AND part = ?2")
STMT(STMT_PART_COUNT, "SELECT count(*) FROM part WHERE snapshot = ?1")
STMT(STMT_PART_FIRST, "SELECT part FROM part WHERE snapshot = ?1 ORDER BY part LIMIT 1")
STMT(STMT_PART_DELETE, "DELETE FROM part WHERE snapshot = ?1 AND part = ?2")
