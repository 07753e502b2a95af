package temporalserver

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/schema/sqlite"

	"github.com/cinnamon-qa/cinnamon/internal/process"
)

const (
	clusterName = "active"
	storeName   = "sqlite"

	// unlimited stands in for rate limits, which protect a shared cluster from its clients. Here they are one person.
	unlimited = 100_000
	// pollsPerSecond is how often a service may look for new tasks. The default of 20 makes every step of a workflow wait
	// up to 50 ms.
	pollsPerSecond = 2000
)

type servicePorts struct{ frontend, history, matching, worker int }

// openStore describes the SQLite database, and creates its tables when the file is new.
func openStore(file string) (*config.SQL, error) {
	if file == "" {
		return &config.SQL{
			PluginName:        sqliteplugin.PluginName,
			DatabaseName:      "temporal-" + rand.Text(),
			ConnectAttributes: map[string]string{"mode": "memory", "cache": "shared"},
		}, nil
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		if err := createStore(file); err != nil {
			return nil, fmt.Errorf("creating the store of Temporal: %w", err)
		}
	}
	return &config.SQL{
		PluginName:   sqliteplugin.PluginName,
		DatabaseName: file,
		ConnectAttributes: map[string]string{
			"mode":         "rw",
			"journal_mode": "wal", // readers don't wait for the writer
			"synchronous":  "1",   // enough with a write-ahead log: a power cut loses the last moments, never consistency
		},
	}, nil
}

// createStore makes the tables in a file beside, so that an interrupted attempt leaves nothing that looks complete.
func createStore(file string) error {
	fresh := file + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing an interrupted attempt: %w", err)
	}
	// SQLite would let everybody read it.
	empty, err := os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		err = empty.Close()
	}
	if err != nil {
		return fmt.Errorf("making the file: %w", err)
	}
	err = sqlite.SetupSchema(&config.SQL{
		PluginName:        sqliteplugin.PluginName,
		DatabaseName:      fresh,
		ConnectAttributes: map[string]string{"mode": "rw", "journal_mode": "delete", "synchronous": "0"},
	})
	if err != nil {
		return fmt.Errorf("making the tables: %w", err)
	}
	return os.Rename(fresh, file)
}

func sqlSettings(settings *config.Config) *config.SQL {
	return settings.Persistence.DataStores[storeName].SQL
}

// settings describes a cluster of one machine that listens on the loopback interface alone, with no port for metrics or
// profiles.
func settings(store *config.SQL, ports servicePorts) *config.Config {
	frontend := process.Loopback(ports.frontend)
	service := func(port int) config.Service {
		return config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: "127.0.0.1"}}
	}
	return &config.Config{
		Global: config.Global{
			Membership: config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: "127.0.0.1"},
		},
		Persistence: config.Persistence{
			DefaultStore:     storeName,
			VisibilityStore:  storeName,
			NumHistoryShards: 1, // fixed for the life of a store; SQLite has one writer
			DataStores:       map[string]config.DataStore{storeName: {SQL: store}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services: map[string]config.Service{
			string(primitives.FrontendService): service(ports.frontend),
			string(primitives.HistoryService):  service(ports.history),
			string(primitives.MatchingService): service(ports.matching),
			string(primitives.WorkerService):   service(ports.worker),
		},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: config.ArchivalDisabled},
			Visibility: config.VisibilityArchival{State: config.ArchivalDisabled},
		},
		NamespaceDefaults: config.NamespaceDefaults{
			Archival: config.ArchivalNamespaceDefaults{
				History:    config.HistoryArchivalNamespaceDefaults{State: config.ArchivalDisabled},
				Visibility: config.VisibilityArchivalNamespaceDefaults{State: config.ArchivalDisabled},
			},
		},
		PublicClient: config.PublicClient{HostPort: frontend},
	}
}

// tuning adapts a server that is made for clusters to one machine: no waiting between steps, no rate limits, one partition
// per task queue, which also keeps strict priority order. It calls nobody to ask for newer versions.
func tuning() dynamicconfig.StaticClient {
	return dynamicconfig.StaticClient{
		dynamicconfig.EnableServerVersionCheck.Key(): false,

		dynamicconfig.TransferProcessorMaxPollRPS.Key():   pollsPerSecond,
		dynamicconfig.TimerProcessorMaxPollRPS.Key():      pollsPerSecond,
		dynamicconfig.VisibilityProcessorMaxPollRPS.Key(): pollsPerSecond,

		dynamicconfig.MatchingEnableFairness.Key():              true,
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,

		dynamicconfig.FrontendRPS.Key():                                  unlimited,
		dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key():           unlimited,
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): unlimited,
		dynamicconfig.FrontendPersistenceMaxQPS.Key():                    unlimited,
		dynamicconfig.HistoryRPS.Key():                                   unlimited,
		dynamicconfig.HistoryPersistenceMaxQPS.Key():                     unlimited,
		dynamicconfig.MatchingRPS.Key():                                  unlimited,
		dynamicconfig.MatchingPersistenceMaxQPS.Key():                    unlimited,

		// A new search attribute can be used at once.
		dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
		dynamicconfig.NamespaceCacheRefreshInterval.Key():           500 * time.Millisecond,
	}
}
