package engine

import (
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"strings"
)

// configXML takes the paths of its log, users file and data.
//
// The one HTTP rule is the gate of the engine: only a request that names our user in its header reaches a handler,
// and then needs the password. All else is 404, so the user default, who must exist without a password because the
// engine's own session runs as it, is out of reach for other users of this machine.
const configXML = `<clickhouse>
  <logger>
    <level>warning</level>
    <log>%s</log>
    <size>10M</size>
    <count>2</count>
  </logger>
  <users_config>%s</users_config>
  <path>%s</path>
  <timezone>UTC</timezone>
  <http_handlers>
    <rule>
      <headers><X-ClickHouse-User>` + userName + `</X-ClickHouse-User></headers>
      <handler>
        <type>dynamic_query_handler</type>
        <query_param_name>query</query_param_name>
      </handler>
    </rule>
  </http_handlers>
</clickhouse>
`

// usersXML takes the SHA-256 of the password. The grants of default are those of the script the child runs, so that
// it could do nothing more even past the gate.
const usersXML = `<clickhouse>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <no_password/>
      <networks><ip>127.0.0.1</ip><ip>::1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SYSTEM LISTEN ON *.*</query>
        <query>GRANT SELECT ON system.numbers</query>
      </grants>
    </default>
    <` + userName + `>
      <password_sha256_hex>%x</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <access_management>1</access_management>
    </` + userName + `>
  </users>
</clickhouse>
`

// configure writes the configuration. It is derived, never edited by hand: a change there would silently be part of
// what we promise.
func (f folder) configure() error {
	config := fmt.Sprintf(configXML, escape(f.log()), escape(f.users()), escape(f.data()))
	if err := writeFile(f.config(), []byte(config)); err != nil {
		return err
	}
	return writeFile(f.users(), fmt.Appendf(nil, usersXML, sha256.Sum256([]byte(f.password))))
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}
