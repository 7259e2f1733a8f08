// Finds its credentials by the default chain of the AWS SDK for Go v2, asks AWS who they are, and prints both.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func identity() (map[string]any, error) {
	ctx := context.Background()
	loaded, err := config.LoadDefaultConfig(ctx, config.WithEC2IMDSRegion())
	if err != nil {
		return nil, err
	}
	credentials, err := loaded.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	who, err := sts.NewFromConfig(loaded).GetCallerIdentity(ctx, nil)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"arn":     *who.Arn,
		"region":  loaded.Region,
		"source":  credentials.Source,
		"ends":    credentials.CanExpire,
		"account": credentials.AccountID,
	}, nil
}

func main() {
	seen, err := identity()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(seen); err != nil {
		os.Exit(1)
	}
}
