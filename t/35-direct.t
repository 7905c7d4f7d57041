#!/usr/bin/perl

# Modes, routes and providers as app.yml has them: direct mode, aliases, other
# providers, base URLs, headers, who may ask.

use strict;
use warnings;
use Client;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Upstream;

my $up = Upstream->new(sub { answer_for($_[0]) });
my $base = $up->base;
my @user = (messages => [ { role => 'user', content => 'x' } ]);

sub last_request { (grep { $_->{event} eq 'request' } $up->requests)[-1] }

sub post {
	my ($g, $path, $body, %h) = @_;
	return Client->once($g->port, POST => $path, \%h, ref $body ?
	    json_text($body) : $body);
}

subtest 'MODE: direct, counts and embeddings' => sub {
	my $said = '{"input_tokens":7,  "more":[]}';
	my $up = Upstream->new(sub { [reply => 200, { 'Content-Type' =>
	    'application/json' }, $said] });
	my $g = Gateway->new(config => "MODE: direct\n" . config_for($up));
	my %ask = ('/v1/messages/count_tokens' => ['{"model":"claude-x",' .
	    ' "messages":[{"role":"user","content":"x"}], "odd":1}',
	    '{"model":"claude-x","thinking":7,  "messages":[]}'],
	    '/v1/embeddings' => ['{"model":"foo", "input":{"new":1}}']);
	for my $path (sort keys %ask) {
		for my $body (@{ $ask{$path} }) {
			my $r = Client->once($g->port, POST => $path, {},
			    $body);
			is($r->{status}, 200, "$path: $body");
			is($r->{body}, $said, '... the answer as it came');
			is(Upstream::body_of((grep { $_->{event} eq
			    'request' } $up->requests)[-1]), $body,
			    '... to the request as it was');
		}
	}
	$g->finish;
};

subtest 'MODE: direct' => sub {
	my $g = Gateway->new(config => "MODE: direct\n" . config_for($up));
	# The provider of the path, whatever the model; bytes as they are.
	for (['/v1/chat/completions', { model => 'claude-x', @user },
	    qr{^/v1/chat/completions$}, chat_body()],
	    ['/v1/messages', { model => 'gpt-x', max_tokens => 1, @user },
	    qr{^/v1/messages$}, anthropic_body()],
	    ['/v1beta/models/claude-y:generateContent', { contents => [ {
	    parts => [ { text => 'x' } ] } ] },
	    qr{^/v1beta/models/claude-y:generateContent$}, gemini_body()],
	    # Not what our decoder would take: the provider judges.
	    ['/v1/messages', { model => 'm', messages => 'odd',
	    max_tokens => 'much' }, qr{^/v1/messages$}, anthropic_body()]) {
		my ($path, $body, $want, $answer) = @$_;
		my $sent = JSON::PP->new->utf8->pretty->encode($body);
		my $r = post($g, $path, $sent);
		is($r->{status}, 200, "$path: 200") or diag $r->{body};
		is($r->{body}, $answer, 'the answer, unchanged');
		like(last_request()->{path}, $want, 'at the right place');
		is(Upstream::body_of(last_request()), $sent,
		    'the request, unchanged');
	}
	is(post($g, '/v1/messages', '{"model":')->{status}, 400,
	    'what is no JSON is refused here');
	is(post($g, '/v1/messages', { model => 'mock-echo', max_tokens => 1,
	    @user })->{status}, 200, 'the mock still answers');
	$g->finish;
};

subtest 'SERVER_TOOLS: verdicts on tools known by type' => sub {
	my $g = Gateway->new(config => config_for($up, <<'EOT'));
SERVER_TOOLS:
  web_search: drop
  openai/web_search_2: refuse
  image_generation: map
EOT
	my @hi = (max_tokens => 9, @user);
	my $ask = sub {
		my ($model, @types) = @_;
		return post($g, '/v1/messages', { model => $model, @hi,
		    tools => [ map { { type => $_, name => 'web_search' } }
		    @types ] });
	};
	my $r = $ask->('gemini-3-flash-preview', 'web_search_20250305');
	is($r->{status}, 200, 'dropped') or diag $r->{body};
	unlike(Upstream::body_of(last_request()), qr/googleSearch|web_search/,
	    'it is not in the request');
	for (['web_search_20250305', 'refused, by SERVER_TOOLS'],
	    ['image_generation', 'not offered']) {
		$r = $ask->('gpt-5.5', $_->[0]);
		is($r->{status}, 400, "$_->[0]: 400");
		like($r->{body}, qr/$_->[0].*$_->[1]/, 'that names it');
	}
	$g->finish;
};

subtest 'routes' => sub {
	my $g = Gateway->new(config => config_for($up, <<'EOT'));
PREFERRED_PROVIDER: anthropic
MODELS:
  - route_key: alias
    target_model: gpt-4o-mini
    provider: openai
  - route_key: plain
    target_model: claude-z
    provider: anthropic
    mode: direct
EOT
	my $body = '{ "model" : "alias",  "messages":[{"role":"user",' .
	    '"content":"model"}], "x": {"model":"alias"} }';
	is(post($g, '/v1/chat/completions', $body)->{status}, 200, 'alias');
	is(Upstream::body_of(last_request()), $body =~
	    s/"alias",/"gpt-4o-mini",/r, 'only the model is spliced');
	is(post($g, '/v1/messages', { model => 'alias', max_tokens => 1,
	    @user })->{status}, 200, 'alias, from another dialect');
	is(Upstream::json_of(last_request())->{model}, 'gpt-4o-mini',
	    'translated with the target\'s name');
	my $r = post($g, '/v1/chat/completions', { model => 'plain', @user });
	is($r->{status}, 400, 'direct to another dialect: 400');
	like($r->{body}, qr/'plain'.*direct mode.*'anthropic'/, 'says why');
	is(post($g, '/v1/messages', { model => 'plain', max_tokens => 1,
	    @user })->{status}, 200, 'direct to its own');
	is(post($g, '/v1/chat/completions', { model => 'whatever',
	    @user })->{status}, 200, 'an unknown one is the preferred\'s');
	is(last_request()->{path}, '/v1/messages', 'asked there');
	is(Upstream::json_of(last_request())->{model}, 'claude-sonnet-5',
	    'for its default model');
	$g->settled;
	my ($row) = $g->rows("model_asked = 'whatever'");
	is($row->{route}, 'preferred', 'the row says why');
	is($row->{model_sent}, 'claude-sonnet-5', 'and what was sent');
	my ($o) = $g->rows("model_asked = 'alias' AND translated = 0");
	is($o->{route}, 'model', 'by the routes table');
	$g->finish;
};

subtest 'providers' => sub {
	my $g = Gateway->new(config => <<"EOT");
PROVIDERS:
  local:
    dialect: openai-chat
    base_url: $base/v1
    keyless: true
  deep:
    dialect: openai-chat
    base_url: $base/deep/
    auth_header: X-Key
    auth_format: "Token {key}"
    keys: ["deep-key-0123456789"]
    headers:
      X-Title: mine
    default_model: deep-chat
  beta:
    dialect: gemini
    base_url: $base/v1beta
    keys: ["beta-key-0123456789"]
MODELS:
  - { route_key: l, target_model: llama, provider: local }
  - { route_key: d, target_model: deep-chat, provider: deep }
  - { route_key: b, target_model: bard, provider: beta }
EOT
	my $ask = sub { post($g, '/v1/chat/completions', { model => $_[0],
	    @user })->{status} };
	is($ask->('l'), 200, 'a base with /v1');
	is(last_request()->{path}, '/v1/chat/completions', 'not twice');
	ok(!exists last_request()->{headers}{authorization}, 'keyless');
	is($ask->('d'), 200, 'a base with a path');
	is(last_request()->{path}, '/deep/v1/chat/completions', 'joined');
	is(last_request()->{headers}{'x-key'}, 'Token deep-key-0123456789',
	    'auth_header and auth_format');
	is(last_request()->{headers}{'x-title'}, 'mine', 'headers');
	is($ask->('b'), 200, 'another version');
	is(last_request()->{path}, '/v1beta/models/bard:generateContent',
	    'once');
	is(last_request()->{headers}{'x-goog-api-key'},
	    'beta-key-0123456789', "the dialect's own header");
	$g->finish;
};

subtest 'ALLOW_ANONYMOUS' => sub {
	my $g = Gateway->new(config => config_for($up,
	    "ALLOW_ANONYMOUS: true\n"));
	is(post($g, '/v1/messages', { model => 'claude-x', max_tokens => 1,
	    @user }, Origin => 'http://a.example', Host => 'b.example',
	    'X-Forwarded-For' => '10.1.1.1')->{status}, 200, 'open');
	is($g->status->{anonymous}, 1, 'and status says so');
	$g->finish;
	$g = Gateway->new(config => config_for($up,
	    "ALLOWED_HOSTS: [gw.example]\n"));
	is(post($g, '/v1/messages', { model => 'claude-x', max_tokens => 1,
	    @user }, Host => 'gw.example:8000')->{status}, 200,
	    'a host that is allowed');
	$g->finish;
};

subtest 'the app.yml of today\'s users' => sub {
	my $g = Gateway->new(config => <<'EOT');
MODE: "transformer"
PORT: 8000
HOST: "0.0.0.0"
DEBUG: true
PREFERRED_PROVIDER: anthropic
API_KEY_POOLS:
  openai:
    keys: ["sk-your-openai-key-1", "sk-your-openai-key-2"]
    auth_header: "Authorization"
    auth_format: "Bearer {key}"
  anthropic:
    keys: ["sk-ant-your-key-1", "sk-ant-your-key-2"]
    auth_header: "x-api-key"
    auth_format: "{key}"
  gemini:
    keys: ["your-gemini-key-1", "your-gemini-key-2"]
OPENAI_API_KEY: ...
ANTHROPIC_API_KEY: ...
GEMINI_API_KEY: ...
EOT
	is($g->{host}, '0.0.0.0', 'starts as it is');
	my $j = Client::json(Client->once($g->port,
	    GET => '/v1/api-keys/stats'));
	is_deeply({ map { $_ => scalar keys %{ $j->{$_} } } keys %$j },
	    { openai => 2, anthropic => 2, gemini => 2 }, 'two keys each');
	is(post($g, '/v1/chat/completions', { model => 'mock-echo',
	    @user })->{status}, 200, 'serves this machine');
	$g->finish;
};

done_testing;
