/** The escape suite, second half: see `texts_test.ts`. */
import { testNoWayOut } from "./tables.ts";

testNoWayOut("commands");
testNoWayOut("network");
testNoWayOut("proxy");
testNoWayOut("git");
