/** The escape suite, third part: what the server itself holds back, see `texts_test.ts`. */
import { testNoWayOut } from "./tables.ts";

testNoWayOut("permissions");
testNoWayOut("memory");
testNoWayOut("mcp");
